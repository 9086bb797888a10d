// SPDX-License-Identifier: MIT
"use strict";
/* Backends, each with its instances below it: those that are out first, then those with most requests in progress. */

const INSTANCES_SHOWN = 5;
const isOut = (instance) => !["up", "gone"].includes(instance.state);
const isBroken = (backend) => backend.open || backend.panics || backend.instances.some(isOut);
const brokenFirst = (backends) => [...backends.filter(isBroken), ...backends.filter((each) => !isBroken(each))];

function backendWords(backend) {
  const here = backend.instances.filter((each) => each.state !== "gone").length;
  const { refused, reasons } = backend[windowName] ?? {};
  return [
    backend.open ? `breaker open for ${duration(backend.open_s)}` : backend.panics ? "all are out, all are asked" : "",
    `${count(backend.up)} of ${here} up`,
    backend.waiting ? `${count(backend.waiting)} waiting` : "",
    refused ? `${count(refused)} refused: ${reasonsWords(reasons)}` : "",
  ].filter(Boolean).join(", ");
}

function instanceWords(instance) {
  const why = isOut(instance) ? instance.last_check ?? instance.last_error?.text : null;
  return `${instance.state} ${duration(instance.since_s)}${why ? `: ${why}` : ""}`;
}

function errorWords(item) {
  const share = errorShare(item[windowName]);
  return share === 0 ? "0" : percent(share);
}

/* What stands out of a backend, with the first instance that is out. */
function brokenWords(backend) {
  const out = backend.instances.find(isOut);
  return `${backend.backend}: ${backendWords(backend)}${out ? ` (${out.address} ${instanceWords(out)})` : ""}`;
}

/* "hedged 5.1 % after 41.2 ms, 61 % won; retried 0.4 %; denied 12: budget 10, busy 2; budget for 8.5 more" */
function attemptWords(backend) {
  const { first, hedged, won, retried, denied, reasons } = backend[windowName]?.attempts ?? {};
  const share = (part, all) => percent(all > 0 ? part / all : 0);
  const after = known(backend.hedge_after_ms) ? ` after ${ms(backend.hedge_after_ms)}` : "";
  return [
    backend.hedges ? `hedged ${share(hedged, first)}${after}${hedged ? `, ${share(won, hedged)} won` : ""}` : "",
    backend.retries ? `retried ${share(retried, first)}` : "",
    denied ? `denied ${count(denied)}: ${reasonsWords(reasons)}` : "",
    `budget for ${figure(backend.budget)} more`,
  ].filter(Boolean).join("; ");
}

/* Rows of what belongs to the backend as a whole: second attempts, and a limit that follows. */
function* ownRows(backend) {
  const name = backend.backend;
  const { denied, hedged, retried, rate } = backend[windowName]?.attempts ?? {};
  if (backend.hedges || backend.retries) yield { key: `${name} attempts`, name: "second attempts", under: true, own: true, [windowName]: { rate }, words: attemptWords(backend), bad: denied > hedged + retried };
  if (backend.limit_is_auto) yield { key: `${name} limit`, name: "limit, auto", under: true, own: true, words: count(backend.limit), series: past.get(`backend ${name} limit`) };
}

function* backendRows(backends) {
  for (const backend of brokenFirst(backends)) {
    const name = backend.backend;
    yield { ...backend, key: name, name, words: backendWords(backend), bad: isBroken(backend) || backend[windowName]?.refused > 0 };
    yield* ownRows(backend);
    const all = [...backend.instances].sort((a, b) => isOut(b) - isOut(a) || b.in_use - a.in_use || (b.last_60s?.rate ?? 0) - (a.last_60s?.rate ?? 0));
    const shown = all.length > INSTANCES_SHOWN + 1 ? all.slice(0, INSTANCES_SHOWN) : all;
    for (const each of shown) yield { ...each, key: `${name} ${each.address}`, name: each.address, under: true, words: instanceWords(each), bad: isOut(each) };
    if (shown.length < all.length) yield { key: `${name} more`, name: `and ${all.length - shown.length} more`, under: true, more: true, words: "" };
  }
}

function stateWithSpark(cell) {
  const words = stateColumn.make(cell);
  const spark = new Spark();
  return (item) => {
    words(item);
    if (item.series) spark.draw(item.series);
    if (item.series && !spark.node.isConnected) cell.append(spark.node);
    if (!item.series) spark.node.remove();
  };
}

const backendsView = {
  start() {
    /* Rows belong together, so none is sorted; the one that counts the others has no figures. */
    const plain = (name, unit, text) => ({ name, unit, number: true, text: (item) => (item.more || item.own ? "" : text(item)) });
    this.table = new LiveTable(byId("backends-table"), {
      caption: "Backends, each with its instances below it: requests, failures and state",
      keyOf: (item) => item.key,
      empty: "",
      columns: [
        nameColumn("Backend"),
        { ...plain("Rate", "/s"), text: (item) => (item.more || !item[windowName] ? "" : rate(item[windowName].rate)) },
        { ...plain("Errors"), make: (cell) => wordsIn(cell, (item) => (item.more || item.own ? "" : errorWords(item)), (item) => (errorShare(item[windowName]) >= MANY_ERRORS ? "bad" : "quiet")) },
        { ...plain("In use", "", (item) => `${count(item.in_use)}${item.limit ? ` of ${count(item.limit)}` : ""}`), help: "Requests in progress" },
        { ...stateColumn, make: stateWithSpark },
      ],
    });
  },
  take(backends) {
    this.items = backends;
    for (const each of backends) if (each.limit_is_auto) past.put(`backend ${each.backend} limit`, each.limit);
    showSection("backends", backends.length > 0);
    this.draw(backends);
  },
  draw(backends) {
    this.table.draw([...backendRows(backends)]);
  },
};
