// vendor.js - Twilio's own library at the service of the tests: orders as JSON lines on standard input, answers as JSON lines.
//   {"do": "sign", "token", "url", "params"}        -> {"signature"}
//   {"do": "sign_json", "token", "url", "body"}     -> {"url", "signature"}: the URL with bodySHA256
//   {"do": "valid", "token", "signature", "url", "params"} -> {"valid"}
//   {"do": "build", "tree": [name, attributes, text, children]} -> {"xml"}: the same verbs by VoiceResponse's methods
//   {"do": "sample", "name", "values"}              -> {"xml"}: a document as one writes it with that library
"use strict";
const readline = require("readline");
const twilio = require("twilio");
const { VoiceResponse } = twilio.twiml;

// What VoiceResponse calls a verb, and whether its text comes as an argument after the attributes.
const METHODS = {
  Say: "say", Play: "play", Pause: "pause", Gather: "gather", Dial: "dial", Number: "number", Client: "client", Sip: "sip", Queue: "queue",
  Conference: "conference", Record: "record", Redirect: "redirect", Enqueue: "enqueue", Leave: "leave", Hangup: "hangup", Reject: "reject",
  Connect: "connect", Start: "start", Stop: "stop", Stream: "stream", Parameter: "parameter", ConversationRelay: "conversationRelay",
  Language: "language", Task: "task",
};
const TEXT = new Set(["Say", "Play", "Dial", "Number", "Client", "Sip", "Queue", "Conference", "Redirect", "Enqueue", "Task"]);

function build(parent, [name, attributes, text, children]) {
  const method = METHODS[name];
  if (!method || typeof parent[method] !== "function") throw new Error(`the library has no ${name} here`);
  const at = Object.keys(attributes).length ? attributes : {};
  const verb = TEXT.has(name) && text.trim() ? parent[method](at, text) : parent[method](at);
  for (const child of children) build(verb, child);
}

const SAMPLES = {
  stream(r, v) {
    if (v.greeting) r.say({ voice: "alice" }, v.greeting);
    const stream = r.connect(v.connect || {}).stream(v.stream);
    for (const [name, value] of Object.entries(v.parameters)) stream.parameter({ name, value });
  },
  apology(r, v) {
    r.say({ voice: "alice" }, v.text || "Sorry, we encountered an error. Please try again later.");
    r.hangup();
  },
  busy(r) {
    r.reject({ reason: "busy" });
  },
  fallback(r, v) {
    r.dial(v.dial || {}, v.number);
  },
};

function carryOut(order) {
  switch (order.do) {
    case "sign":
      return { signature: twilio.getExpectedTwilioSignature(order.token, order.url, order.params) };
    case "sign_json": {
      const url = order.url + (order.url.includes("?") ? "&" : "?") + "bodySHA256=" + twilio.getExpectedBodyHash(order.body);
      return { url, signature: twilio.getExpectedTwilioSignature(order.token, url, {}) };
    }
    case "valid":
      return { valid: twilio.validateRequest(order.token, order.signature, order.url, order.params) };
    case "build": {
      const response = new VoiceResponse();
      for (const verb of order.tree[3]) build(response, verb);
      return { xml: response.toString() };
    }
    case "sample": {
      const response = new VoiceResponse();
      SAMPLES[order.name](response, order.values);
      return { xml: response.toString() };
    }
    default:
      throw new Error(`unknown order ${order.do}`);
  }
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  let answer;
  try {
    answer = carryOut(JSON.parse(line));
  } catch (e) {
    answer = { error: String(e) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
});
