// SPDX-License-Identifier: MIT
"use strict";
/* Puts the page together: its top, and which pages of the gateway feed which sections. */

/* Announces words to screen readers, politely; repeated words are announced again. */
function announce(words) {
  const node = byId("announce");
  node.textContent = "";
  setTimeout(() => (node.textContent = words), 50);
}

/* --- the figures at the top --- */

const sum = (items, value) => items.reduce((total, item) => total + (value(item) ?? 0), 0);
const worst = (items, value) => items.reduce((most, item) => (value(item) !== null && value(item) !== undefined && !(value(item) <= value(most ?? {})) ? item : most), null);

/* value(stats, window): the chart always shows the last 10 s, the words the window that was chosen. */
const overview = [
  { name: "Requests", unit: "/s", words: rate,
    value: (stats, window) => sum(stats.routes, (route) => route[window]?.rate),
    note: (stats) => plural(stats.routes.filter((route) => route.last_60s?.requests > 0).length, "busy route", "busy routes") },
  { name: "Slowest p99", unit: "ms", words: figure,
    value: (stats, window) => slowest(stats, window)?.[window].p99,
    note: (stats, window) => slowest(stats, window)?.route ?? "nothing measured yet" },
  { name: "Errors", unit: "", words: percent, kind: "bad", top: MANY_ERRORS, bad: MANY_ERRORS,
    value: (stats, window) => errorShare({ requests: sum(stats.routes, (route) => route[window]?.requests), errors: sum(stats.routes, (route) => route[window]?.errors) }),
    note: (stats, window) => `${count(sum(stats.routes, (route) => route[window]?.errors))} in ${window === "last_10s" ? 10 : 60} s` },
  { name: "Refused", unit: "/s", words: rate, kind: "bad", top: 1, bad: 0.1,
    value: (stats, window) => (stats.refused?.[window]?.refused ?? NaN) / seconds(window),
    note: (stats, window) => refusedWords(stats.refused?.[window]) },
  { name: "Loop lag p99", unit: "ms", words: figure, top: 1,
    value: (stats, window) => worst(stats.loops, (loop) => loop[window]?.p99)?.[window].p99,
    note: (stats) => `busiest loop ${percent(worst(stats.loops, (loop) => loop.busy)?.busy)}` },
  { name: "In progress", unit: "", words: count,
    value: (stats) => stats.exchanges,
    note: (stats) => [[stats.connections, "connection"], [stats.tasks, "task"]].filter(([number]) => known(number)).map(([number, one]) => plural(number, one, `${one}s`)).join(", ") },
];

/* Refused requests of routes: a head that never came whole has no route. */
function slowest(stats, window) {
  return worst(stats.routes.filter((route) => route.kind), (route) => route[window]?.p99);
}

const seconds = (window) => (window === "last_10s" ? 10 : 60);

/* {queueing: 312, pool_full: 20} → "queueing 312, pool_full 20", the greatest first. */
function reasonsWords(reasons) {
  return Object.entries(reasons ?? {}).sort(([, a], [, b]) => b - a).map(([name, number]) => `${name} ${count(number)}`).join(", ");
}

function refusedWords(window) {
  if (!window?.refused) return "nothing";
  return `${percent(window.requests ? window.refused / window.requests : 1)} of requests: ${reasonsWords(window.reasons)}`;
}

/* --- what stands out --- */

const MANY_UNSERVED = 10;

function* notices(stats, window) {
  const refused = stats.refused?.[window];
  if (refused?.refused >= MANY_ERRORS * refused?.requests && refused?.refused > 0) yield ["refused", `Refused: ${refusedWords(refused)}`];
  const unserved = stats.unserved ?? {};
  const { head_timeout = 0, client_limit = 0 } = unserved[window]?.reasons ?? {};
  const from = unserved.clients?.[0]?.address;
  const most = from ? `; most from ${from}` : "";
  if ((unserved.half_sent ?? 0) + head_timeout >= MANY_UNSERVED)
    yield ["unserved", `Half-sent heads: ${count(unserved.half_sent)} now${head_timeout ? `, ${count(head_timeout)} timed out` : ""}${most}`];
  if (client_limit > 0) yield ["client limit", `Connections over their client's limit: ${count(client_limit)}${most}`];
  for (const backend of stats.backends.filter(isBroken)) yield [`backend ${backend.backend}`, brokenWords(backend)];
  yield* tlsNotices(stats.tls);
  for (const origin of stats.origins) {
    if (!fails(origin)) continue;
    const text = origin.last_error?.text;
    yield [`origin ${origin.origin}`, `${origin.origin} fails: ${percent(errorShare(origin[window]))} of calls${mainReason(origin) ? `, ${mainReason(origin)}` : ""}${text ? ` (${text})` : ""}`];
  }
}

function drawNotices(stats) {
  const list = [...notices(stats, windowName)];
  const host = byId("notices");
  host.hidden = list.length === 0;
  keyed(host, list, ([key]) => key, () => el("li"), (node, [, words]) => setText(node, words));
}

function makeOverview() {
  for (const item of overview) {
    item.figure = el("span.value");
    item.under = el("span.under");
    item.spark = new Spark(item.kind);
    item.node = el("div.tile", {}, el("dt", { text: item.name }),
      el("dd", {}, el("span.big", {}, item.figure, item.unit ? el("span.unit", { text: ` ${item.unit}` }) : null), item.spark.node, item.under));
    byId("overview").append(item.node);
  }
}

function drawOverview(stats) {
  for (const item of overview) {
    const value = item.value(stats, windowName);
    past.put(`overview ${item.name}`, item.value(stats, "last_10s"));
    setText(item.figure, item.words(value ?? null));
    setText(item.under, item.note(stats, windowName));
    set(item.under, { title: item.under.textContent });
    set(item.node, { "data-level": value >= item.bad ? "bad" : null });
    item.spark.draw(past.get(`overview ${item.name}`), item.top);
  }
}

/* --- answers of the gateway --- */

let latest = null;

function takeStats(stats, restarted) {
  past.tick();
  if (restarted) {
    past.restarts.push(past.now);
    stallsView.forget();
  }
  latest = { ...stats, routes: stats.routes ?? [], loops: stats.loops ?? [], origins: stats.origins ?? [], pools: stats.pools ?? [], backends: stats.backends ?? [], tls: stats.tls ?? [] };
  drawStats(true);
  past.prune();
}

function drawStats(fresh) {
  if (!latest) return;
  if (fresh) {
    routesView.take(latest.routes);
    loopsView.take(latest.loops);
    originsView.take(latest.origins);
    poolsView.take(latest.pools);
    backendsView.take(latest.backends);
    tlsView.take(latest.tls);
  } else {
    for (const view of [routesView, loopsView.table, originsView.table, poolsView.table, backendsView, tlsView]) view.draw(view.items ?? []);
  }
  drawOverview(latest);
  drawNotices(latest);
}

/* --- the state of the gateway --- */

const STATES = { waiting: "Connecting", live: "Live", draining: "Draining", paused: "Paused", lost: "No answer" };

function showState(now, { returned = false, restarted = false } = {}) {
  const state = now.paused ? "paused" : now.state === "live" && latest?.draining ? "draining" : now.state;
  const was = document.body.dataset.state;
  document.body.dataset.state = state;
  set(byId("state"), { "data-state": state });
  setText(byId("state-text"), STATES[state]);
  byId("lost").hidden = now.state === "live" || now.failures === 0;
  tellWait();
  if (latest && now.state === "live") setText(byId("about"), [location.host, latest.version ? `weir ${latest.version}` : "", `up ${duration(latest.uptime_s)}`].filter(Boolean).join(" · "));
  document.title = state === "lost" ? "No answer – Weir" : `Weir – ${location.host}`;
  if (now.state !== "live" && now.failures === 1) announce("The gateway does not answer. The figures shown are the last ones.");
  else if (returned && was === "lost") announce(restarted ? "The gateway answers again; it was restarted." : "The gateway answers again.");
  else if (state === "draining" && was !== "draining") announce("The gateway is draining.");
  if (returned || restarted) profileView.probe();
}

/* Counts down to the next try. */
function tellWait() {
  if (byId("lost").hidden) return;
  const seconds = Math.max(0, Math.ceil((link.retryAt - Date.now()) / 1000));
  const since = link.last ? ` The figures below are from ${clock(link.last)}.` : "";
  const next = link.paused ? "" : seconds > 0 ? ` Next try in ${seconds} s.` : " Trying.";
  setText(byId("lost-text"), `${link.why ? `The gateway has a fault: ${link.why}.` : "The gateway does not answer."}${since}${next}`);
}

/* --- light and dark --- */

const THEMES = ["system", "light", "dark"];

function setTheme(theme) {
  set(document.documentElement, { "data-theme": theme === "system" ? null : theme });
  setText(byId("theme"), `Theme: ${theme}`);
}

function startTheme() {
  let theme = "system";
  const stored = (change) => {
    try {
      return change(localStorage);
    } catch {
      return null; /* storage may be forbidden: then the choice lasts until the page is closed */
    }
  };
  theme = THEMES.includes(stored((storage) => storage.getItem("weir-theme"))) ? stored((storage) => storage.getItem("weir-theme")) : theme;
  setTheme(theme);
  byId("theme").addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    stored((storage) => storage.setItem("weir-theme", theme));
    setTheme(theme);
  });
}

/* --- start --- */

const link = new Link(takeStats, showState);

startTheme();
makeOverview();
for (const view of [routesView, stallsView, outliersView, loopsView, poolsView, backendsView, tlsView, originsView, profileView]) view.start();
link.followers = [
  new Feed("/stalls", 1000, (stalls) => stallsView.take(stalls), { absent: () => showSection("stalls", false) }),
  new Feed("/outliers", 2000, (outliers) => {
    showSection("outliers", true);
    outliersView.take(outliers);
  }, { absent: () => showSection("outliers", false) }),
  new Feed("/guard", 5000, (calls) => stallsView.takeGuard(calls)),
  processesView.start(),
  tasksView.start(),
  adviceView.start(),
];
for (const choice of document.querySelectorAll('input[name="window"]')) {
  choice.addEventListener("change", () => {
    windowName = choice.value;
    drawStats(false);
  });
}
byId("pause").addEventListener("click", () => {
  link.pause(!link.paused);
  set(byId("pause"), { "aria-pressed": String(link.paused) });
  setText(byId("pause"), link.paused ? "Resume" : "Pause");
});
byId("retry").addEventListener("click", () => link.soon());
setInterval(tellWait, 500);
link.soon();
