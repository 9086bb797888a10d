// SPDX-License-Identifier: MIT
"use strict";
/* TLS: listeners and backends with their handshakes, and below each its certificates. */

const SOON_DAYS = 14;
const CERTIFICATES_SHOWN = 10;

function contextName(context) {
  if (context.side === "listener") return context.name;
  return context.side === "backend" ? `backend ${context.name}` : "https URLs";
}

function failedWords(window) {
  return window?.failed ? `${count(window.failed)} failed: ${reasonsWords(window.reasons)}` : "";
}

function expiryWords(certificate) {
  const { days, not_after: end } = certificate;
  return days < 0 ? `expired ${end}` : `expires ${end}, in ${days < 2 ? duration(days * 86400) : `${Math.floor(days)} days`}`;
}

function certificateWords(certificate) {
  return [certificate.key, expiryWords(certificate), certificate.failed ? `its changed file is not used: ${certificate.failed}` : ""].filter(Boolean).join(", ");
}

const failsOften = (context) => context[windowName]?.failed > MANY_ERRORS * (context[windowName].failed + context[windowName].handshakes);
const isFaulty = (certificate) => certificate.days < SOON_DAYS || certificate.failed;
const resumedShare = (window) => (window?.handshakes ? window.resumed / window.handshakes : NaN);

function* tlsRows(contexts) {
  for (const context of contexts) {
    const key = `${context.side} ${context.name}`;
    yield { key, name: contextName(context), window: context[windowName], words: failedWords(context[windowName]), bad: failsOften(context) };
    const certificates = [...context.certificates].sort((a, b) => a.days - b.days);
    for (const each of certificates.slice(0, CERTIFICATES_SHOWN)) yield { key: `${key} ${each.cert}`, name: each.names || each.cert, under: true, words: certificateWords(each), bad: isFaulty(each) };
    const left = certificates.length - CERTIFICATES_SHOWN;
    if (left > 0) yield { key: `${key} more`, name: `and ${left} more`, under: true, words: "" };
  }
}

/* What stands out: handshakes that fail, certificates at their end. */
function* tlsNotices(contexts) {
  for (const context of contexts) {
    if (failsOften(context)) yield [`tls ${context.side} ${context.name}`, `TLS of ${contextName(context)}: ${failedWords(context[windowName])}`];
    for (const each of context.certificates.filter(isFaulty)) yield [`certificate ${each.cert}`, `Certificate of ${each.names || each.cert}: ${each.failed ? certificateWords(each) : expiryWords(each)}`];
  }
}

const tlsView = {
  start() {
    const plain = (name, unit, text) => ({ name, unit, number: true, text: (row) => (row.under ? "" : text(row.window)) });
    this.table = new LiveTable(byId("tls-table"), {
      caption: "TLS of listeners and backends, with their certificates",
      keyOf: (row) => row.key,
      empty: "",
      columns: [
        nameColumn("TLS of"),
        plain("Rate", "/s", (window) => rate(window?.rate)),
        plain("Resumed", "", (window) => percent(resumedShare(window))),
        stateColumn,
      ],
    });
  },
  take(contexts) {
    this.items = contexts;
    showSection("tls", contexts.length > 0);
    this.draw(contexts);
  },
  draw(contexts) {
    this.table.draw([...tlsRows(contexts)]);
  },
};
