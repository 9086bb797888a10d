// SPDX-License-Identifier: MIT
"use strict";
/* Routes: a table of all, and the details of one. */

const MANY_ERRORS = 0.01;
const FEW_IDLE = 3;
let windowName = "last_10s";

const routesView = {
  chosen: null,
  idleShown: false,
  chart: new LatencyChart(),

  start() {
    const of = (name) => (item) => item[windowName]?.[name] ?? null;
    this.table = new LiveTable(byId("routes-table"), {
      caption: "Routes, with rates and latencies of the last seconds. The button with a route's name shows it in depth.",
      keyOf: (item) => item.key,
      empty: "No routes yet. As soon as the gateway answers, each of its routes has a line here.",
      columns: [
        { name: "Route", sort: (item) => item.route, make: (cell) => this.makeName(cell) },
        { name: "Kind", minor: true, sort: (item) => item.kind, text: (item) => item.kind ?? NONE },
        figures("Rate", "/s", of("rate"), rate),
        { ...figures("Errors", "", (item) => errorShare(item[windowName])), text: null, make: (cell) => this.makeErrors(cell) },
        figures("p50", "ms", of("p50")),
        figures("p99", "ms", of("p99")),
        figures("p99.9", "ms", of("p999")),
        sparks("p99 over time", (item) => past.get(`${item.key} p99`)),
      ],
    });
    this.name = el("h3.mono");
    this.kind = el("p.note");
    this.quiet = el("p.empty", { text: "No requests in these minutes. Latencies are drawn as they come." });
    this.spent = el("div.spent");
    this.more = el("button.more", { type: "button", onclick: () => this.showIdle(!this.idleShown) });
    byId("routes-table").append(this.more);
    byId("route").append(el("div.head", {}, this.name, this.kind),
      el("p.caption", { text: "Latency over time, logarithmic" }), this.chart.node, this.quiet, this.spent);
    byId("route").hidden = true;
  },

  makeName(cell) {
    const words = el("span.mono");
    const button = el("button.pick", { type: "button" }, words);
    cell.append(button);
    let key;
    button.addEventListener("click", () => {
      this.chosen = key;
      this.draw(this.items);
    });
    return (item) => {
      key = item.key;
      setText(words, item.route);
      set(button, { "aria-pressed": String(item.key === this.chosen) });
      cell.parentNode.classList.toggle("chosen", item.key === this.chosen);
    };
  },

  makeErrors(cell) {
    const words = el("span");
    cell.append(words);
    return (item) => {
      const share = errorShare(item[windowName]);
      setText(words, share === null ? NONE : share === 0 ? "0" : percent(share));
      words.className = share >= MANY_ERRORS ? "bad" : share ? "" : "quiet";
    };
  },

  /* Two routes may have the same path and different methods: they are distinguished by their order. */
  take(routes) {
    const seen = new Map();
    this.items = routes.map((route) => {
      const name = `route ${route.route} ${route.kind}`;
      const number = (seen.get(name) ?? 0) + 1;
      seen.set(name, number);
      return { ...route, key: number > 1 ? `${name} ${number}` : name };
    });
    for (const item of this.items)
      for (const id of ["p50", "p99", "p999"]) past.put(`${item.key} ${id}`, item.last_10s?.[id]);
    this.draw(this.items);
  },

  showIdle(shown) {
    this.idleShown = shown;
    this.draw(this.items);
  },

  /* Idle routes come last; if there are many, they are folded. */
  visible(items) {
    const isIdle = (item) => !(item.last_60s?.requests > 0);
    const [busy, idle] = [items.filter((item) => !isIdle(item)), items.filter(isIdle)];
    const folded = busy.length > 0 && idle.length > FEW_IDLE && this.table.order === null;
    this.more.hidden = !folded;
    setText(this.more, this.idleShown ? `hide ${plural(idle.length, "idle route", "idle routes")}` : `and ${plural(idle.length, "idle route", "idle routes")} more`);
    set(this.more, { "aria-expanded": String(this.idleShown) });
    return folded && !this.idleShown ? busy : [...busy, ...idle];
  },

  draw(items = []) {
    const busiest = items.reduce((most, item) => ((item.last_60s?.rate ?? 0) > (most?.last_60s?.rate ?? 0) ? item : most), items[0]);
    if (!items.some((item) => item.key === this.chosen)) this.chosen = busiest?.key ?? null;
    this.table.draw(this.visible(items));
    byId("route").hidden = !this.chosen;
    const item = items.find((each) => each.key === this.chosen);
    if (item) this.drawRoute(item);
  },

  drawRoute(item) {
    const series = QUANTILES.map(([id]) => past.get(`${item.key} ${id}`));
    const quiet = greatest(series) === 0;
    setText(this.name, item.route);
    setText(this.kind, item.kind ?? "");
    this.quiet.hidden = !quiet;
    this.chart.node.hidden = quiet;
    if (!quiet) this.chart.draw(series);
    const parts = spentParts(item.spent_ms);
    this.spent.hidden = parts.length === 0;
    if (parts.length) drawParts(this.spent, "Where a request's time goes, on average", parts, "ms");
  },
};

function errorShare(figures) {
  return figures && figures.requests > 0 ? (figures.errors ?? 0) / figures.requests : null;
}

/* The ledger of a route as parts: numbers, or groups of numbers such as one for each backend. */
function spentParts(spent, prefix = "") {
  const parts = [];
  for (const [name, value] of Object.entries(spent ?? {})) {
    const words = prefix + name.replaceAll("_", " ");
    if (known(value) && value > 0) parts.push([words, value]);
    else if (value && typeof value === "object") parts.push(...spentParts(value, `${words} `));
  }
  return parts;
}
