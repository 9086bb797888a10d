// SPDX-License-Identifier: MIT
// server.mjs PORT BACKEND_PORT undici|agent|fetch: /hello, and /page/ID gathers twelve backends from BACKEND_PORT on.
import http from 'node:http';

const [port, backendPort, how] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const CALLS = 12;
const DEADLINE_MS = Number(process.env.BENCH_DEADLINE_MS ?? 1000);
const CONNECTIONS = 256; // for each backend

// Each gives ask(index, path): a promise of {status, text}.
const clients = {
  async undici() {
    // the deadline is undici's own timers, which are coarse and cheap; an AbortSignal for each gather costs it more
    const { Pool } = await import('undici');
    const options = { connections: CONNECTIONS, pipelining: 1, headersTimeout: DEADLINE_MS, bodyTimeout: DEADLINE_MS };
    const pools = Array.from({ length: CALLS }, (_, i) => new Pool(`http://127.0.0.1:${backendPort + i}`, options));
    return async (i, path) => {
      const { statusCode, body } = await pools[i].request({ path, method: 'GET' });
      return { status: statusCode, text: await body.text() };
    };
  },

  async agent() {
    const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS, scheduling: 'lifo' });
    return (i, path) => new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: backendPort + i, path, agent, timeout: DEADLINE_MS };
      const request = http.get(options, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part) => { text += part; });
        response.on('end', () => resolve({ status: response.statusCode, text }));
        response.on('error', reject);
      });
      request.on('timeout', () => request.destroy(new Error('deadline exceeded')));
      request.on('error', reject);
    });
  },

  async fetch() {
    return async (i, path) => {
      const response = await fetch(`http://127.0.0.1:${backendPort + i}${path}`, { redirect: 'manual', signal: AbortSignal.timeout(DEADLINE_MS) });
      return { status: response.status, text: await response.text() };
    };
  },
};

const ask = await clients[how]();

async function member(i, id) {
  try {
    const { status, text } = await ask(i, `/answer/${id}`);
    JSON.parse(text); // valid, so it is embedded as it came
    return `"c${i}":{"status":${status},"body":${text}}`;
  } catch (error) {
    return `"c${i}":{"error":${JSON.stringify(error.message)}}`;
  }
}

function answer(response, type, text) {
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

const server = http.createServer(async (request, response) => {
  if (request.url === '/hello') return answer(response, 'text/plain', 'Hello, World!');
  const id = request.url.slice('/page/'.length);
  const members = await Promise.all(Array.from({ length: CALLS }, (_, i) => member(i, id)));
  answer(response, 'application/json', `{${members.join(',')}}`);
});
server.keepAliveTimeout = 60_000;
server.listen({ port, host: '127.0.0.1', backlog: 4096 });
