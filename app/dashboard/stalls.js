// SPDX-License-Identifier: MIT
"use strict";
/* Stalls: which tasks held a loop, where, and what to write instead; and the guard's list of calls that may block. */

const STALL_KINDS = {
  computing: "It used the CPU all this time.",
  blocked: "It slept in a system call, and its loop with it.",
  starved: "It was ready, but the system gave the CPU to others: not the task's fault.",
  throttled: "The CPU quota of its cgroup was used up: not the task's fault.",
};

const APP_STALL_KINDS = {
  computing: "This process of an application used a CPU all this time, and ended no request.",
  blocked: "This process of an application slept in a call, and its requests with it.",
  starved: "This process of an application wanted a CPU that others had.",
};

const stallsView = {
  seen: null, /* the places known so far; null until the first answer */
  guard: [],
  stalls: [],

  start() {
    this.list = el("ul.cards");
    this.empty = el("p.empty", { text: "No stalls since start. A stall is a task that holds its loop, so that all other tasks of the loop wait. Stalls are listed here with their stacks, and with what to write instead." });
    this.guardList = el("ul.cards");
    this.guardTitle = el("h3", { text: "Calls that may block" });
    byId("stalls-list").append(this.list, this.empty, this.guardTitle, this.guardList);
    this.guardTitle.hidden = true;
  },

  keyOf: (stall) => [stall.task, stall.route, stall.kind, stall.process, stall.loop, ...(stall.stack ?? []).map((each) => Object.values(frame(each)).join(" "))].join("\n"),

  take(stalls) {
    const keys = stalls.map(this.keyOf);
    const fresh = this.seen ? stalls.filter((stall, i) => !this.seen.has(keys[i])) : [];
    this.seen = new Set(keys);
    this.stalls = stalls;
    if (fresh.length === 1) announce(`New stall: ${this.sentence(fresh[0])}`);
    else if (fresh.length > 1) announce(`${fresh.length} new stalls, the latest: ${this.sentence(fresh[0])}`);
    this.draw(new Set(fresh.map(this.keyOf)));
  },

  takeGuard(calls) {
    this.guard = calls;
    this.guardTitle.hidden = calls.length === 0;
    keyed(this.guardList, calls, (call) => [call.function, call.task, call.route].join("\n"), () => this.makeCard(), (card, call) => card.update({
      kind: "call", title: call.task ? [code(call.function), " called by ", code(call.task)] : [code(call.function)], count: call.count, hint: call.hint, stack: call.stack,
      why: call.waited ? `It waited with a lock held, for ${call.waited}.` : "",
      facts: [["Route", call.route], ["Lock taken at", call.waited ? call.place : ""]],
    }));
  },

  forget() {
    this.seen = null;
  },

  sentence: (stall) => (stall.app ? `${stall.task} was held for ${ms(stall.held_ms)}, ${stall.kind}` : `task ${stall.task} held loop ${loopName(stall)} for ${ms(stall.held_ms)}, ${stall.kind}`),

  draw(fresh) {
    const badge = byId("stalls-count");
    this.empty.hidden = this.stalls.length > 0;
    badge.hidden = this.stalls.length === 0;
    setText(badge, count(this.stalls.length));
    const times = this.stalls.reduce((sum, stall) => sum + (stall.count ?? 1), 0);
    setText(byId("stalls-note"), this.stalls.length ? `${plural(this.stalls.length, "place", "places")}, seen ${plural(times, "time", "times")} since start` : "");
    keepingFocus(() => keyed(this.list, this.stalls, this.keyOf, () => this.makeCard(), (card, stall) => {
      if (fresh.has(this.keyOf(stall))) card.classList.add("fresh");
      card.update({
        open: stall === this.stalls[0], kind: stall.kind, title: [code(stall.task), stall.app ? ` ${stall.ongoing ? "is" : "was"} held for ` : ` ${stall.ongoing ? "has held" : "held"} loop ${loopName(stall)} for `, el("b", { text: ms(stall.held_ms) })],
        count: stall.count, last: stall.last, hint: stall.hint, stack: stall.stack, why: (stall.app ? APP_STALL_KINDS : STALL_KINDS)[stall.kind] ?? "",
        facts: [[stall.app ? "Request" : "Route", stall.route], ["Late by it", stall.late ? plural(stall.late, "request", "requests") : ""], ["Scope", stall.scope], ["Spawned at", stall.spawned_at], ["First seen", stall.first ? clock(stall.first) : ""],
          ["Longest", known(stall.held_max_ms) && stall.count > 1 ? ms(stall.held_max_ms) : ""]],
      });
    }));
  },

  makeCard() {
    const kind = el("span.kind");
    const title = el("span.title");
    const when = el("span.when");
    const why = el("p.why");
    const stack = el("div");
    const hint = el("p.hint");
    const facts = el("dl.facts");
    const more = el("details", {}, el("summary", {}, kind, title, when), why, stack, hint, facts);
    const card = el("li.card", {}, more);
    let shown = "";
    card.update = (given) => {
      setText(when, [given.count > 1 ? `${count(given.count)}×` : "", given.last ? ago(given.last) : ""].filter(Boolean).join(", "));
      const state = JSON.stringify([given.kind, given.title.map((piece) => piece.textContent ?? piece), given.hint, given.stack, given.facts]);
      if (state === shown) return;
      if (shown === "") more.open = Boolean(given.open);
      shown = state;
      set(kind, { "data-kind": given.kind, text: given.kind });
      title.replaceChildren(...given.title);
      setText(why, given.why);
      why.hidden = !given.why;
      stack.replaceChildren(stackList(given.stack));
      hint.replaceChildren(...(given.hint ? [el("span.label", { text: "Instead" }), code(given.hint)] : []));
      hint.hidden = !given.hint;
      facts.replaceChildren(...given.facts.filter(([, value]) => value).flatMap(([name, value]) => [el("dt", { text: name }), el("dd.mono", { text: value })]));
    };
    return card;
  },
};

function code(text) {
  return el("code", { text: text ?? NONE });
}
