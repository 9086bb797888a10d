// SPDX-License-Identifier: MIT
// Programs that a test starts and that end with it.
import { spawn } from "node:child_process";
import { setPriority } from "node:os";

const children = new Set();

// Starts a program. Returns what ready() finds in all that it has said, with the process, once that is something.
export function child(command, args, ready) {
  const process_ = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  children.add(process_);
  try { // some conditions need CPU time: raises the priority, where that is allowed
    setPriority(process_.pid, -15);
  } catch {}
  process_.on("exit", () => children.delete(process_));
  return new Promise((resolve, reject) => {
    let said = "";
    for (const stream of [process_.stdout, process_.stderr]) {
      stream.on("data", (piece) => {
        said += piece;
        const found = ready(said);
        if (found) resolve({ process: process_, ...found });
      });
    }
    process_.on("error", reject);
    process_.on("exit", () => reject(new Error(`${command} ended: ${said}`)));
  });
}

export function end({ process }) {
  process.removeAllListeners("exit");
  return new Promise((resolve) => {
    process.on("exit", resolve);
    process.kill("SIGKILL");
  }).then(() => children.delete(process));
}

export function endAll() {
  for (const each of children) each.kill("SIGKILL");
}
