#!/usr/bin/python3
# plain
# budget: 200 s
"""The assistant at a chat model by the interface "responses": all that it does by the other."""
import assistants
from daemon import run

assistants.PLUGIN = "openai-responses"

if __name__ == "__main__":
    run(vars(assistants))
