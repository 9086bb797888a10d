// SPDX-License-Identifier: MIT
"use strict";
/* The processes of the gateway and of its applications: since when each is as it is, and how often it was started. */

/* "2.1", of several processes; "1" of one. */
const loopName = (loop) => (loop.process ? `${loop.process}.${loop.loop}` : String(loop.loop));

const isUnwell = (state) => ["waiting", "broken", "ready in part"].includes(state);

function processWords(process) {
  return [
    process.silent_s !== null && process.silent_s !== undefined ? `no answer for ${duration(process.silent_s)}` : "",
    process.pid ? `pid ${process.pid}` : "",
    `generation ${process.generation}`,
    process.last_end ? `the one before it ${process.last_end}` : "",
  ].filter(Boolean).join(", ");
}

function appWords(app) {
  return [
    app.last_line ? `it said: ${app.last_line}` : "",
    app.waiting ? `${plural(app.waiting, "request waits", "requests wait")}` : "",
    `${plural(app.starts, "start", "starts")}${app.deaths ? `, ${plural(app.deaths, "death", "deaths")}` : ""}`,
    app.last_end ? `the last end: ${app.last_end}` : "",
  ].filter(Boolean).join(", ");
}

function appProcessWords(process) {
  return [`pid ${process.pid}`, plural(process.requests, "request", "requests"), process.failures ? plural(process.failures, "failure", "failures") : "", process.why ?? ""].filter(Boolean).join(", ");
}

function* processRows(status) {
  status.processes.forEach((process, place) => {
    process.key = `${process.process} ${process.pid ?? place}`;
  });
  for (const each of status.processes) {
    yield { key: `process ${each.key}`, name: `process ${each.process}`, state: each.state, since: each.since_s, flight: each.in_flight, restarts: each.restarts,
            words: processWords(each), bad: isUnwell(each.state) || known(each.silent_s) };
  }
  for (const app of status.apps ?? []) {
    yield { key: `app ${app.name}`, name: app.name, state: app.state, since: null, flight: sum(app.processes, (each) => each.in_flight), restarts: app.deaths, words: appWords(app), bad: isUnwell(app.state) };
    for (const each of app.processes) {
      yield { key: `app ${app.name} ${each.pid}`, name: `${app.name}[${each.number}]`, under: true, state: each.state, since: each.age_ms / 1000, flight: each.in_flight, restarts: null, words: appProcessWords(each) };
    }
  }
}

const processesView = {
  start() {
    this.table = new LiveTable(byId("processes-table"), {
      caption: "Processes of the gateway and of its applications",
      keyOf: (row) => row.key,
      empty: "",
      columns: [
        nameColumn("Process"),
        { name: "Is", text: (row) => row.state },
        { name: "Since", number: true, text: (row) => (known(row.since) ? duration(row.since) : "") },
        { name: "In flight", number: true, text: (row) => count(row.flight) },
        { name: "Restarts", number: true, text: (row) => (row.restarts === null ? "" : count(row.restarts)) },
        stateColumn,
      ],
    });
    return new Feed("/processes", 1000, (status) => this.take(status), { absent: () => showSection("processes", false) });
  },
  take(status) {
    showSection("processes", true);
    setText(byId("processes-note"), [status.state, `generation ${status.generation}`, `supervisor ${status.pid}`].filter(Boolean).join(", "));
    this.table.draw([...processRows({ ...status, processes: status.processes ?? [] })]);
  },
};
