#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// The gateway between Node's own http client and http server: keep-alive, many at once, bodies, a client that leaves.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const weir = process.env.WEIR ?? join(root, process.env.BUILD ?? "build", "weir");

// A backend: /echo answers with the request's body, /slow when the test says so, other paths with the path.
const held = [];
const leavers = [];
const backend = http.createServer((request, response) => {
  if (request.url.startsWith("/slow")) {
    held.push(response);
    response.on("close", () => {
      leavers.push(request.url);
      leavers.changed?.();
    });
    held.changed?.();
    return;
  }
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ path: request.url, body: Buffer.concat(pieces).toString() })); // chunked or not: Node's choice
  });
});

function listening(server) {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
}

function start(config, directory) {
  const file = join(directory, "gateway.yaml");
  writeFileSync(file, JSON.stringify(config));
  const child = spawn(weir, ["serve", file], { stdio: ["ignore", "ignore", "pipe"] });
  return new Promise((resolve, reject) => {
    let log = "";
    child.stderr.on("data", (piece) => {
      log += piece;
      const found = /listening addr=127\.0\.0\.1:(\d+) for=gateway/.exec(log);
      if (found) resolve({ child, port: Number(found[1]) });
    });
    child.on("exit", () => reject(new Error(log)));
  });
}

function ask(options, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: "127.0.0.1", ...options }, (response) => {
      const pieces = [];
      response.on("data", (piece) => pieces.push(piece));
      response.on("end", () => resolve({ response, request, body: Buffer.concat(pieces).toString() }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

function until(list, count) {
  return new Promise((resolve) => {
    list.changed = () => list.length >= count && resolve();
    list.changed();
  });
}

const call = (name, url, more) => ({ name, url: `http://127.0.0.1:${backend.address().port}${url}`, ...more });

const cases = {
  async "one connection is kept for many requests"(port) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    let reused = 0;
    for (let n = 0; n < 20; n++) {
      const { response, request, body } = await ask({ port, agent, path: `/page/${n}` });
      assert.equal(response.statusCode, 200);
      assert.deepEqual(JSON.parse(body).b, { status: 200, body: { path: `/b/${n}`, body: "" } });
      reused += request.reusedSocket;
    }
    assert.equal(reused, 19);
    agent.destroy();
  },
  async "five hundred at once get each its own answer"(port) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 100 });
    const all = await Promise.all(Array.from({ length: 500 }, (_, n) => ask({ port, agent, path: `/page/${n}` })));
    all.forEach(({ body }, n) => assert.equal(JSON.parse(body).a.body.path, `/a?id=${n}`));
    agent.destroy();
  },
  async "bodies go through, with a length and chunked"(port) {
    const text = "x".repeat(100_000);
    for (const headers of [{ "content-length": text.length }, { "transfer-encoding": "chunked" }]) {
      const { response, body } = await ask({ port, path: "/post", method: "POST", headers, agent: false }, text);
      assert.equal(response.statusCode, 200);
      assert.equal(JSON.parse(body).post.body.body, text);
    }
  },
  async "a body that is announced waits for 100 Continue"(port) {
    const headers = { expect: "100-continue", "content-length": 5 };
    const { body } = await new Promise((resolve, reject) => {
      const request = http.request({ port, host: "127.0.0.1", path: "/post", method: "POST", headers, agent: false });
      request.on("continue", () => request.end("hello"));
      request.on("response", (response) => {
        let body = "";
        response.on("data", (piece) => (body += piece)).on("end", () => resolve({ body }));
      });
      request.on("error", reject);
      request.flushHeaders();
    });
    assert.equal(JSON.parse(body).post.body.body, "hello");
  },
  async "a body too large is 413"(port) {
    const headers = { "content-length": 2 << 20 };
    const status = await new Promise((resolve, reject) => {
      const request = http.request({ port, host: "127.0.0.1", path: "/post", method: "POST", headers, agent: false });
      request.on("response", (response) => resolve(response.statusCode));
      request.on("error", reject);
      request.flushHeaders();
    });
    assert.equal(status, 413);
  },
  async "a client that leaves takes its call along"(port) {
    const request = http.get({ host: "127.0.0.1", port, path: "/slow", agent: false });
    request.on("error", () => {});
    await until(held, 1);
    assert.equal(leavers.length, 0);
    request.destroy();
    await until(leavers, 1);
  },
};

const directory = mkdtempSync(join(tmpdir(), "weir-"));
await listening(backend);
const { child, port } = await start({
  listen: "127.0.0.1:0",
  loops: 2,
  access_log: false,
  routes: [
    { path: "/page/{id}", gather: { deadline: "20s", calls: [call("a", "/a?id={id}"), call("b", "/b/{id}")] } },
    { path: "/post", gather: { deadline: "20s", calls: [call("post", "/echo", { method: "POST" })] } },
    { path: "/slow", gather: { deadline: "1m", calls: [call("slow", "/slow")] } },
  ],
}, directory);

console.log(`1..${Object.keys(cases).length + 1}`);
let number = 0;
let failed = 0;
const report = (name, problem) => {
  failed += problem ? 1 : 0;
  console.log(`${problem ? "not ok" : "ok"} ${++number} - ${name}`);
  if (problem) console.log(String(problem.stack ?? problem).replace(/^/gm, "# "));
};
for (const [name, run] of Object.entries(cases)) {
  await run(port).then(() => report(name), (problem) => report(name, problem));
}
child.removeAllListeners("exit");
const ended = new Promise((resolve) => child.on("exit", (code) => resolve(code)));
child.kill("SIGTERM");
report("it drains and ends", (await ended) === 0 ? undefined : "another exit code");
rmSync(directory, { recursive: true });
backend.closeAllConnections();
backend.close();
process.exitCode = failed ? 1 : 0;
