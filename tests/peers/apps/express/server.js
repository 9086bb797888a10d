// SPDX-License-Identifier: MIT
"use strict";
/* The shop of docs/apps/express.md: an application that knows nothing of weir. */
const crypto = require("crypto");
const express = require("express");

const app = express();
app.use("/static", express.static("static"));
app.get("/", (request, response) => response.send("shop"));
app.get("/healthz", (request, response) => response.send(""));
app.get("/pid", (request, response) => response.send(String(process.pid)));
app.get("/big", (request, response) => response.send("x".repeat(200000)));
app.get("/seen", (request, response) => response.json({ client: request.headers["x-forwarded-for"], host: request.headers.host }));
app.get("/wait", (request, response) => setTimeout(() => response.send(String(process.pid)), 1000 * request.query.seconds));
app.get("/regex", function regex(request, response) {
  const end = Date.now() + 1500;
  while (Date.now() < end)
    /^(a+)+$/.test("a".repeat(20) + "!");
  response.send("no match");
});
app.post("/upload", (request, response) => {
  const digest = crypto.createHash("sha256");
  let size = 0;
  request.on("data", (piece) => {
    size += piece.length;
    digest.update(piece);
  });
  request.on("end", () => response.json({ size, sha256: digest.digest("hex") }));
});

app.listen(process.env.PORT || 3000);
