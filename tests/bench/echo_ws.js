// echo_ws.js PORT - what an echo costs in Node with the package ws: text sent back as it came. Serves until it is killed.
"use strict";
const { WebSocketServer } = require("ws");

const server = new WebSocketServer({ port: Number(process.argv[2]), host: "127.0.0.1", perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
