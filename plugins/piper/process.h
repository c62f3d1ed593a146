/* process.h - a program that speaks one sentence: text on its standard input, raw 16-bit audio on its standard output.
 */
#ifndef VOICEGW_PIPER_PROCESS_H
#define VOICEGW_PIPER_PROCESS_H
#include "speaker.h"

/** A command is a list of 1 to 32 texts whose first is the path of a program that may be run. 0, or a negative status
 * and a sentence. [control] */
int32_t process_check(const char *command_json, char *why, size_t cap);
/** Runs it and hands on what it writes; ends it (SIGKILL) when nobody wants more, and when it writes nothing for
 * stall_ms. 0, or a negative status and a sentence. Blocks. [pool] */
int32_t process_speak(const char *command_json, const char *text, uint32_t rate, uint32_t stall_ms, speaker_sink sink,
                      void *arg, char *why, size_t cap);
#endif
