// SPDX-License-Identifier: MIT
"use strict";
/* Outliers: the slowest requests, and for one that is unfolded where its time went. */

const OUTLIERS_SHOWN = 20;

const outliersView = {
  start() {
    this.list = el("ul.cards");
    this.empty = el("p.empty", { text: "No outliers since start. A request that takes longer than 99.9 % of its route, or than its slow:, is kept here with what it was spent on." });
    byId("outliers-list").append(this.list, this.empty);
  },

  take(outliers) {
    this.empty.hidden = outliers.length > 0;
    setText(byId("outliers-note"), outliers.length > OUTLIERS_SHOWN ? `The latest ${OUTLIERS_SHOWN} of ${count(outliers.length)}` : "");
    keepingFocus(() => keyed(this.list, outliers.slice(0, OUTLIERS_SHOWN), (outlier) => outlier.id, (outlier) => this.makeCard(outlier), (card, outlier) => setText(card.when, ago(outlier.ended))));
  },

  makeCard(outlier) {
    const when = el("span.when");
    const mostly = outlier.mostly ? `, mostly ${outlier.mostly.what}` : "";
    const inside = el("div");
    const more = el("details", { ontoggle: () => more.open && this.fill(inside, outlier.id) },
      el("summary", {}, el("span.title", {}, code(outlier.route), " took ", el("b", { text: ms(outlier.took_ms) }), mostly), when), inside);
    return Object.assign(el("li.card", {}, more), { when });
  },

  async fill(inside, id) {
    if (inside.filled) return;
    let outlier;
    try {
      outlier = await (await ask(`/outliers/${id}`)).json();
    } catch (problem) {
      inside.replaceChildren(el("p.why", { text: problem.status === 404 ? "It has made room for later ones." : "It could not be read." }));
      return;
    }
    inside.filled = true;
    inside.replaceChildren(...this.parts(outlier));
  },

  parts(outlier) {
    const limit = outlier.reason === "slow" ? "its slow:" : "99.9 % of its route";
    return [
      el("p.why", {}, code(`${outlier.method} ${outlier.target}`), `: ${outlier.status || "the client left"}, ended ${clock(outlier.ended)}, slower than ${limit}, ${ms(outlier.limit_ms)}.`),
      this.facts("Where its time went", [...outlier.ledger].sort((a, b) => b.share_ms - a.share_ms).map((part) => [part.what, ms(part.share_ms) + (part.held_by ? `, held ${ms(part.held_ms)} by ${part.held_by}` : "")])),
      this.facts("Calls", outlier.calls.map((call) => [call.name ?? call.backend, this.callWords(call)])),
      ...outlier.stalls.flatMap((stall) => [el("p.why", {}, "The loop was held for ", el("b", { text: ms(stall.held_ms) }), " by ", code(stall.task), ` (${stall.kind})`), stackList(stall.stack)]),
      this.facts("Pools, at its end", outlier.pools.map((pool) => [pool.name, `${count(pool.queued)} of ${count(pool.queue_max)} queued, ${count(pool.running)} of ${count(pool.workers_max)} workers busy`])),
      this.facts("Found by", [["trace", outlier.trace], ["id", outlier.id]]),
    ].filter(Boolean);
  },

  callWords: (call) => [call.took_ms === null ? "" : ms(call.took_ms), call.error ?? call.status, call.instance && `from ${call.instance}`, call.attempts?.text].filter(Boolean).join(", "),

  facts(title, facts) {
    const known = facts.filter(([, value]) => value);
    return known.length ? el("div", {}, el("p.label", { text: title }), el("dl.facts", {}, ...known.flatMap(([name, value]) => [el("dt", { text: name }), el("dd.mono", { text: value })]))) : null;
  },
};
