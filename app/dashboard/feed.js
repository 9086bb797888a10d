// SPDX-License-Identifier: MIT
"use strict";
/* Polling of the gateway: one clock for all its pages, which stops while the page is hidden, and slows down while the
 * gateway does not answer. /stats leads: other pages are requested only while it answers. */

const TIMEOUT_MS = 5000;
const RETRY_MS_MAX = 15000;

async function ask(path, timeoutMs = TIMEOUT_MS) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(timeoutMs) });
  if (!answer.ok) throw Object.assign(new Error(`${path} answers ${answer.status}`), { status: answer.status });
  return answer;
}

class Feed {
  /* wanted(): whether its section is shown; absent() is called when the gateway has no such page. */
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
      reportError(problem); /* a fault of this page: reported, and the next answer is tried all the same */
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

/* The leading feed: its answers decide what the page says about the gateway. */
class Link extends Feed {
  constructor(take, onChange) {
    super("/stats", 1000, (stats) => this.heard(stats), {});
    Object.assign(this, { takeStats: take, onChange, followers: [], state: "waiting", paused: false, failures: 0, uptime: 0, last: 0, retryAt: 0, why: "" });
    document.addEventListener("visibilitychange", () => this.resume());
  }

  running() {
    return !this.paused && !document.hidden;
  }

  /* Goes on or stops, as the pause button and the visibility of the page demand. */
  resume() {
    if (this.running()) {
      this.soon();
      if (this.state === "live") this.followers.forEach((feed) => feed.soon());
    } else {
      [this, ...this.followers].forEach((feed) => feed.stop());
    }
    this.onChange(this);
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
    this.onChange(this, { returned, restarted });
    if (returned || restarted) this.followers.forEach((feed) => feed.start());
  }

  failed(problem) {
    this.failures++;
    this.state = this.last ? "lost" : "waiting";
    this.why = problem.status ? problem.message : "";
    const wait = Math.min(RETRY_MS_MAX, 1000 * 2 ** (this.failures - 1));
    this.retryAt = Date.now() + wait;
    this.followers.forEach((feed) => feed.stop());
    this.later(wait);
    this.onChange(this);
  }
}
