// SPDX-License-Identifier: MIT
"use strict";
/* Figures formatted for people. What was not measured is a dash, never a zero. */

const NONE = "–";
const known = (value) => typeof value === "number" && Number.isFinite(value);
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

function count(value) {
  return known(value) ? whole.format(value).replaceAll(",", " ") : NONE; /* a narrow no-break space */
}

/* Three significant digits: 0.42, 4.31, 43.1, 431. */
function figure(value) {
  if (!known(value)) return NONE;
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 9.995) return value.toFixed(2);
  if (size < 99.95) return value.toFixed(1);
  return count(value);
}

const ms = (value) => (known(value) ? `${figure(value)} ms` : NONE);

function rate(value) {
  if (!known(value)) return NONE;
  return value < 9.95 && value !== Math.round(value) ? value.toFixed(1) : count(value);
}

function percent(share) {
  if (!known(share)) return NONE;
  const value = share * 100;
  if (value > 0 && value < 0.05) return "<0.1 %";
  return `${value < 9.95 && value !== Math.round(value) ? value.toFixed(1) : Math.round(value)} %`;
}

function duration(seconds) {
  if (!known(seconds)) return NONE;
  if (seconds < 1) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

/* The same in one unit, for columns. */
function age(ms) {
  if (!known(ms)) return "";
  const steps = [[86400e3, "d"], [3600e3, "h"], [60e3, "min"], [1e3, "s"]];
  const step = steps.find(([size]) => ms >= size);
  return step ? `${ms < 10 * step[0] ? (ms / step[0]).toFixed(1) : Math.floor(ms / step[0])} ${step[1]}` : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/* A time of the gateway: text, or seconds or milliseconds since 1970. NaN when it is no time. */
function instant(value) {
  if (typeof value === "string") return Date.parse(value);
  if (!known(value)) return NaN;
  return value > 1e11 ? value : value * 1000;
}

function ago(value) {
  const at = instant(value);
  if (Number.isNaN(at)) return value ? String(value) : NONE;
  const seconds = Math.max(0, (Date.now() - at) / 1000);
  const [size, unit] = [[86400, "d"], [3600, "h"], [60, "min"]].find(([each]) => seconds >= each) ?? [1, "s"];
  return seconds < 2 ? "just now" : `${Math.floor(seconds / size)} ${unit} ago`;
}

function clock(value) {
  const at = instant(value);
  return Number.isNaN(at) ? String(value ?? NONE) : new Date(at).toLocaleTimeString("en-GB");
}

const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;

/* A frame of a stack: "function file:line", split so that the file can be drawn fainter. */
function frame(value) {
  if (typeof value === "object" && value) {
    const place = value.file ? `${value.file}${value.line ? `:${value.line}` : ""}` : "";
    return { name: value.function ?? value.name ?? "?", place };
  }
  const text = String(value);
  const match = /^(.*\S)\s+(\S+:\d+)$/.exec(text);
  return match ? { name: match[1], place: match[2] } : { name: text, place: "" };
}

function stackList(frames) {
  const list = el("ol.stack");
  for (const each of frames ?? []) {
    const { name, place } = frame(each);
    list.append(el("li", {}, el("span.function", { text: name }), place ? el("span.place", { text: place }) : null));
  }
  return list;
}
