// SPDX-License-Identifier: MIT
"use strict";
/* Asking the gateway again and again: one clock for all pages, which stops while nobody looks, and slows down while
 * nobody answers. /stats leads: the others are asked only while it answers. */

const PATIENCE_MS = 5000;
const LONGEST_WAIT_MS = 15000;

async function ask(path, patience = PATIENCE_MS) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(patience) });
  if (!answer.ok) throw Object.assign(new Error(`${path} answers ${answer.status}`), { status: answer.status });
  return answer;
}

class Feed {
  /* wanted(): whether anybody looks at it; absent(): the gateway has no such page. */
  constructor(path, everyMs, take, { wanted = () => true, absent = () => {} } = {}) {
    Object.assign(this, { path, everyMs, take, wanted, absent, timer: 0, asking: false, gone: false });
  }

  start() {
    this.gone = false;
    this.soon();
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = 0;
  }

  soon() {
    this.stop();
    if (!this.asking) this.turn();
  }

  later(ms) {
    this.stop();
    if (link.running() && !this.gone) this.timer = setTimeout(() => this.turn(), ms);
  }

  async turn() {
    if (!link.running() || this.gone) return;
    if (!this.wanted()) return this.later(this.everyMs);
    const started = performance.now();
    let answer;
    this.asking = true;
    try {
      answer = await (await ask(typeof this.path === "function" ? this.path() : this.path)).json();
    } catch (problem) {
      this.asking = false;
      this.failed(problem);
      return;
    }
    this.asking = false;
    try {
      this.take(answer);
    } catch (problem) {
      reportError(problem); /* a fault of this page: it is told, and the next answer may do better */
    }
    this.later(Math.max(100, this.everyMs - (performance.now() - started)));
  }

  failed(problem) {
    if (problem.status === 404) {
      this.gone = true;
      this.absent();
    } else {
      this.later(this.everyMs);
    }
  }
}

/* The leading feed: what it hears decides what the page says about the gateway. */
class Link extends Feed {
  constructor(take, told) {
    super("/stats", 1000, (stats) => this.heard(stats), {});
    Object.assign(this, { takeStats: take, told, followers: [], state: "waiting", paused: false, failures: 0, uptime: 0, last: 0, retryAt: 0, why: "" });
    document.addEventListener("visibilitychange", () => this.resume());
  }

  running() {
    return !this.paused && !document.hidden;
  }

  /* Goes on, or stops, as the person and the window want. */
  resume() {
    if (this.running()) {
      this.soon();
      if (this.state === "live") this.followers.forEach((feed) => feed.soon());
    } else {
      [this, ...this.followers].forEach((feed) => feed.stop());
    }
    this.told(this);
  }

  pause(paused) {
    this.paused = paused;
    this.resume();
  }

  heard(stats) {
    const restarted = this.last > 0 && known(stats.uptime_s) && stats.uptime_s < this.uptime;
    const returned = this.state !== "live";
    this.uptime = stats.uptime_s;
    this.last = Date.now();
    this.failures = 0;
    this.state = "live";
    this.takeStats(stats, restarted);
    this.told(this, { returned, restarted });
    if (returned || restarted) this.followers.forEach((feed) => feed.start());
  }

  failed(problem) {
    this.failures++;
    this.state = this.last ? "lost" : "waiting";
    this.why = problem.status ? problem.message : "";
    const wait = Math.min(LONGEST_WAIT_MS, 1000 * 2 ** (this.failures - 1));
    this.retryAt = Date.now() + wait;
    this.followers.forEach((feed) => feed.stop());
    this.later(wait);
    this.told(this);
  }
}
