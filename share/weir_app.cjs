// SPDX-License-Identifier: MIT
"use strict";
/* Tells weir, which runs this application, in which file and line its main thread is.
 *
 *     node --require /usr/share/weir/weir_app.cjs server.js        or, in the application, require("…/weir_app.cjs")
 *
 * When a process keeps requests waiting, weir asks it where it is, and names file and line in its log, in 'weir stalls' and on the dashboard.
 * Without weir (WEIR_APP_SOCKET is not set) this does nothing, and in no case does it make an application fail. It needs Node 14 or newer.
 *
 * A thread of its own keeps a connection to weir, and does nothing until it is asked. Then it has the inspector of Node stop the main thread for a
 * moment, which works while that computes, and reads its frames. A main thread that sleeps in a system call cannot be stopped; then there is no answer.
 */
const { Worker, isMainThread, workerData } = require("worker_threads");

const PATIENCE_MS = 200, FRAMES_MAX = 16;

/* --- the thread that answers --- */

function plain(text) {
  return text.replace(/[^ !#-~]/g, "?");
}

function fileOf(url) {
  return url.startsWith("file://") ? decodeURI(url.slice("file://".length)) : url || "?";
}

/* Has the main thread stopped, and calls done with its frames, once; without any if it did not stop in time. */
function lookAtMainThread(inspector, done) {
  const session = new inspector.Session();
  const files = new Map();
  let timer;

  function end(frames) {
    if (timer === undefined)
      return;
    clearTimeout(timer);
    timer = undefined;
    session.post("Debugger.disable"); // a main thread that was asleep finds this after the question, and so does not stop
    session.disconnect();
    done(frames);
  }

  session.connectToMainThread();
  timer = setTimeout(end, PATIENCE_MS, []);
  session.on("Debugger.scriptParsed", ({ params }) => files.set(params.scriptId, params.url));
  session.on("Debugger.paused", ({ params }) => {
    const frames = params.callFrames.slice(0, FRAMES_MAX).map((frame) => ({
      file: fileOf(files.get(frame.location.scriptId) || frame.url), line: frame.location.lineNumber + 1, name: frame.functionName || "(anonymous)",
    }));
    session.post("Debugger.resume");
    end(frames);
  });
  session.post("Debugger.enable");
  session.post("Debugger.pause");
}

function answerWeir(path) {
  const inspector = require("inspector");
  const connection = require("net").connect(path);
  let text = "", busy = false;

  function answer(question) {
    busy = true;
    const say = (frames) => {
      busy = false;
      connection.write(`${question}\n${frames.map(({ file, line, name }) => `  File "${plain(file)}", line ${line} in ${plain(name)}\n`).join("")}\n`);
    };
    try {
      lookAtMainThread(inspector, say);
    } catch {
      say([]);
    }
  }

  connection.on("error", () => {});
  connection.on("connect", () => connection.write("weir-app 1 node 0\n"));
  connection.setEncoding("latin1").on("data", (piece) => {
    text = (text + piece).slice(-1024);
    const lines = text.split("\n");
    text = lines.pop();
    for (const line of lines)
      if (/^stack \d{1,10}$/.test(line) && !busy)
        answer(line);
  });
}

/* --- the application's main thread --- */

function begin(path) {
  try {
    const worker = new Worker(__filename, {
      workerData: { weirApp: path }, execArgv: [], env: {}, stdin: false, stdout: true, stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
    });
    worker.on("error", () => {});
    worker.unref();
  } catch {
    // the application is more important
  }
}

if (!isMainThread && workerData && workerData.weirApp)
  answerWeir(workerData.weirApp);
else if (isMainThread && process.env.WEIR_APP_SOCKET)
  begin(process.env.WEIR_APP_SOCKET);
