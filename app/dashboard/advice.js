// SPDX-License-Identifier: MIT
"use strict";
/* Advice: first what is wrong, by its name; then for each route where its time goes and what to change, with the numbers behind it. */

const ADVICE_PARTS = [["On the loop", "loop_ms"], ["Waiting", "wait_ms"], ["Waiting to be run", "ready_ms"], ["Queued", "queue_ms"], ["On a pool", "pool_ms"], ["Without a CPU", "starved_ms"], ["Throttled", "throttled_ms"]];

const ALWAYS_SHOWN = 5;

/* Little's law: the mean number in a pool. */
const poolInUse = (pool) => `${figure(pool.rate)} jobs/s × ${figure(pool.run_ms)} ms run = ${figure(pool.busy)} of ${plural(pool.workers, "worker", "workers")} busy; with ${figure(pool.queue_ms)} ms queued, ${figure(pool.in_pool)} jobs inside. ${plural(pool.workers_needed, "worker", "workers")} would be right.`;

const adviceView = {
  start() {
    this.list = el("ul.cards.columns");
    this.empty = el("p.empty", { text: "No advice yet: it is computed from requests." });
    byId("advice-list").append(this.list, this.empty);
    return new Feed("/advice", 5000, (advice) => this.take(advice), { absent: () => showSection("advice", false) });
  },

  take(advice) {
    const cards = [
      ...(advice.findings ?? []).map((each) => ({ name: `${each.about} ${each.name ?? ""}`.trim(), class: "wrong", parts: [], advice: [each] })),
      ...(advice.routes ?? []).filter((each) => each.requests !== 0).map((each) => ({ ...each, name: each.route, parts: ADVICE_PARTS.map(([name, id]) => [name, each[id] ?? 0]).filter(([name, value], i) => i < ALWAYS_SHOWN || value > 0) })),
      ...(advice.backends ?? []).filter((each) => each.requests > 0).map((each) => ({ ...each, name: `backend ${each.backend}`, class: "backend", parts: [] })),
      ...(advice.pools ?? []).filter((each) => each.rate + each.refused_rate > 0).map((each) => ({ ...each, name: `pool ${each.pool}`, class: "pool", parts: [], in_use: poolInUse(each) })),
    ];
    showSection("advice", true);
    this.empty.hidden = cards.length > 0;
    keyed(this.list, cards, (card) => `${card.class} ${card.name}`, () => this.makeCard(), (node, card) => node.update(card));
  },

  makeCard() {
    const name = el("h3.mono");
    const kind = el("span.kind");
    const parts = el("div.spent");
    const inUse = el("p.note");
    const texts = el("ul.advice");
    const fine = el("p.note", { text: "Nothing to change." });
    const node = el("li.card", {}, el("div.head", {}, name, kind), parts, inUse, texts, fine);
    node.update = (card) => {
      setText(name, card.name);
      set(kind, { text: card.class ?? "", "data-kind": (card.class ?? "").toLowerCase() });
      parts.hidden = !card.parts.some(([, value]) => value > 0);
      if (!parts.hidden) drawParts(parts, "For each request, on average", card.parts, "ms");
      inUse.hidden = typeof card.in_use !== "string"; // of a pool, in words; of a backend a number
      setText(inUse, inUse.hidden ? "" : card.in_use);
      const advice = card.advice ?? [];
      fine.hidden = advice.length > 0;
      texts.hidden = advice.length === 0;
      keyed(texts, advice, (piece) => piece.text, () => el("li", {}, el("p"), el("dl.numbers")), (item, piece) => {
        setText(item.firstChild, piece.text);
        keyed(item.lastChild, Object.entries(piece.numbers ?? {}), ([id]) => id, () => el("div", {}, el("dt"), el("dd")), (pair, [id, value]) => {
          setText(pair.firstChild, id.replaceAll("_", " "));
          setText(pair.lastChild, known(value) ? figure(value) : String(value));
        });
      });
    };
    return node;
  },
};
