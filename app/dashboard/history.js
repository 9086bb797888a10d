// SPDX-License-Identifier: MIT
"use strict";
/* The measurements of the last ten minutes, one value for each second, kept by this page alone. */

const KEEP_S = 600;

class Series {
  constructor() {
    this.values = new Float32Array(KEEP_S).fill(NaN);
    this.last = -1;
  }

  put(second, value) {
    for (let missed = Math.max(this.last + 1, second - KEEP_S + 1); missed <= second; missed++) this.values[missed % KEEP_S] = NaN;
    this.values[second % KEEP_S] = known(value) ? value : NaN;
    this.last = second;
  }

  at(second) {
    return second < 0 || second > this.last || second <= this.last - KEEP_S ? NaN : this.values[second % KEEP_S];
  }

  /* The greatest value of the seconds from first to last, so that a small chart shows every peak. */
  most(first, last) {
    let most = NaN;
    for (let second = first; second <= last; second++) {
      const value = this.at(second);
      if (!(value <= most)) most = Number.isNaN(value) ? most : value;
    }
    return most;
  }
}

class Past {
  constructor() {
    this.series = new Map();
    this.begun = null;
    this.now = 0;
    this.restarts = []; /* seconds in which a new process answered first */
  }

  tick() {
    this.now = Math.floor(performance.now() / 1000);
    this.begun ??= this.now;
  }

  put(name, value) {
    let series = this.series.get(name);
    if (!series) this.series.set(name, (series = new Series()));
    series.put(this.now, value);
  }

  get(name) {
    return this.series.get(name) ?? new Series();
  }

  /* Forgets series without a value for ten minutes, so that names that come and go don't accumulate. */
  prune() {
    for (const [name, series] of this.series) if (series.last <= this.now - KEEP_S) this.series.delete(name);
    this.restarts = this.restarts.filter((second) => second > this.now - KEEP_S);
  }

  /* The span of the charts: whole minutes, as far back as there are values. */
  span() {
    const age = this.now - (this.begun ?? this.now);
    return Math.min(KEEP_S, 60 * Math.max(1, Math.ceil(age / 60)));
  }
}

const past = new Past();
