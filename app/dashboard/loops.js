// SPDX-License-Identifier: MIT
"use strict";
/* The tables of loops, pools and origins. */

function meter(name, share, words, level = () => "", more = {}) {
  return {
    name, number: false, sort: share, ...more, make(cell) {
      const bar = new Bar();
      cell.append(bar.node);
      return (item) => bar.draw(share(item), words(item), level(item));
    },
  };
}

const loopsView = {
  start() {
    this.table = new LiveTable(byId("loops-table"), {
      caption: "Loops: how busy each is, and how late ready tasks get their turn",
      keyOf: loopName,
      empty: "No figures of the loops yet.",
      columns: [
        { name: "Loop", text: loopName },
        meter("Busy", (item) => item.busy, (item) => percent(item.busy), (item) => (item.busy >= 0.9 ? "high" : "")),
        figures("Tasks", "", (item) => item.tasks, count),
        figures("Ready", "", (item) => item.ready, count, { minor: true }),
        figures("p50", "ms", (item) => item[windowName]?.p50, figure, { help: "Lag" }),
        figures("p99", "ms", (item) => item[windowName]?.p99, figure, { help: "Lag" }),
        figures("p99.9", "ms", (item) => item[windowName]?.p999, figure, { minor: true, help: "Lag" }),
        sparks("p99 over time", (item) => past.get(`loop ${loopName(item)} p99`), "", { top: 1 }),
      ],
    });
  },
  take(loops) {
    this.items = loops;
    for (const each of loops) past.put(`loop ${loopName(each)} p99`, each.last_10s?.p99);
    this.table.draw(loops);
  },
};

const poolsView = {
  start() {
    this.table = new LiveTable(byId("pools-table"), {
      caption: "Pools: workers, queues and refusals",
      keyOf: (item) => item.pool,
      empty: "",
      columns: [
        { name: "Pool", text: (item) => item.pool },
        { ...figures("Busy", "", (item) => item.busy), help: "Workers that run a job", text: (item) => `${count(item.busy)} of ${count(item.workers)}` },
        meter("Queue", (item) => item.queued / item.queue_max, (item) => `${count(item.queued)} of ${count(item.queue_max)}`,
          (item) => (item.queued >= item.queue_max ? "full" : item.queued >= item.queue_max * 0.8 ? "high" : "")),
        figures("Jobs", "/s", (item) => item[windowName]?.rate, rate),
        figures("Wait p99", "ms", (item) => item[windowName]?.queue?.p99),
        figures("Run p99", "ms", (item) => item[windowName]?.run?.p99),
        { ...figures("Refused", "", (item) => item[windowName]?.refused ?? item.refused, count), help: "In these seconds" },
        sparks("Queue over time", (item) => past.get(`pool ${item.pool} queued`)),
      ],
    });
  },
  take(pools) {
    this.items = pools;
    showSection("pools", pools.length > 0);
    for (const each of pools) past.put(`pool ${each.pool} queued`, each.queued);
    this.table.draw(pools);
  },
};

const mainReason = (origin) => Object.entries(origin[windowName]?.reasons ?? {}).reduce((most, each) => (each[1] > (most?.[1] ?? 0) ? each : most), null)?.[0] ?? "";
const fails = (origin) => origin.failing === true || errorShare(origin[windowName]) >= MANY_ERRORS;

const originsView = {
  start() {
    this.table = new LiveTable(byId("origins-table"), {
      caption: "Origins: connections to each backend, and how long it takes to answer",
      keyOf: (item) => item.origin,
      empty: "No origins. They appear with the first request that asks a backend.",
      columns: [
        { name: "Origin", sort: (item) => item.origin, make(cell) {
          const words = el("span.mono");
          cell.append(words);
          return (item) => setText(words, item.origin);
        } },
        figures("Rate", "/s", (item) => item[windowName]?.rate, rate),
        { ...figures("Errors", "", (item) => errorShare(item[windowName])), text: null, make(cell) {
          const words = el("span");
          cell.append(words);
          return (item) => {
            const share = errorShare(item[windowName]);
            setText(words, share === null ? NONE : share === 0 ? "0" : `${percent(share)} ${fails(item) ? mainReason(item) : ""}`.trim());
            words.className = fails(item) ? "bad" : share ? "" : "quiet";
          };
        } },
        figures("Conns", "", (item) => item.connections, count, { help: "Connections, idle ones included" }),
        figures("Idle", "", (item) => item.idle, count, { minor: true }),
        { ...figures("Waiting", "", (item) => item.waiting, count), help: "Calls that wait for a connection" },
        figures("p50", "ms", (item) => item[windowName]?.p50),
        figures("p99", "ms", (item) => item[windowName]?.p99),
        sparks("p99 over time", (item) => past.get(`origin ${item.origin} p99`)),
      ],
    });
  },
  /* Origins that fail come first. */
  take(all) {
    const origins = [...all.filter(fails), ...all.filter((each) => !fails(each))];
    this.items = origins;
    for (const each of origins) past.put(`origin ${each.origin} p99`, each.last_10s?.p99);
    this.table.draw(origins);
  },
};
