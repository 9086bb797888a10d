// SPDX-License-Identifier: MIT
// burn.mjs PORT BACKEND_PORT MAX_QUEUE|auto: /burn computes 60 ms of fixed work on one Piscina worker, /sleep waits 5 ms.
// With a MAX_QUEUE what does not fit is answered 503; with auto nothing is refused.
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';

const [port, maxQueue] = [Number(process.argv[2]), process.argv[4]];
const BURN_MS = 60;
const SLEEP_MS = 5;

const pool = new Piscina({
  filename: fileURLToPath(new URL('./burn_worker.mjs', import.meta.url)),
  minThreads: 1, maxThreads: 1, maxQueue: maxQueue === 'auto' ? Infinity : Number(maxQueue),
});
const units = Math.max(1, Math.round(BURN_MS / await pool.run({ calibrate: true })));

function answer(response, status, text) {
  response.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

const server = http.createServer(async (request, response) => {
  if (request.url === '/sleep') return setTimeout(answer, SLEEP_MS, response, 200, 'slept\n');
  try {
    await pool.run({ units });
    answer(response, 200, 'burnt\n');
  } catch {
    answer(response, 503, 'busy\n');
  }
});
server.keepAliveTimeout = 60_000;
server.listen({ port, host: '127.0.0.1', backlog: 4096 });
