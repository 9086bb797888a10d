// SPDX-License-Identifier: MIT
"use strict";
/* Small charts in SVG. Each has its figures beside it as text, so the page can be understood without them. */

const BRIDGED = 3; /* a line goes on over so many missing points: polling is not exact to the second */

/* A path through the greatest value of each of `points` parts of the span; broken where no value is known. */
function tracePath(series, points, x, y) {
  const span = past.span();
  const first = past.now - span + 1;
  let path = "";
  let gap = Infinity;
  for (let i = 0; i < points; i++) {
    const from = first + Math.floor((i * span) / points);
    const value = series.most(from, Math.max(from, first + Math.floor(((i + 1) * span) / points) - 1));
    if (Number.isNaN(value)) {
      gap++;
      continue;
    }
    path += `${gap > BRIDGED ? "M" : "L"}${x(i / (points - 1)).toFixed(1)} ${y(value).toFixed(1)}`;
    gap = 0;
  }
  return path;
}

function greatest(list) {
  let most = 0;
  for (const series of list) {
    const value = series.most(past.now - past.span() + 1, past.now);
    if (value > most) most = value;
  }
  return most;
}

/* A line without axes, from zero to its greatest value or `top`. */
class Spark {
  constructor(kind = "") {
    this.width = 100;
    this.height = 24;
    this.area = svg("path.spark-area");
    this.line = svg("path.spark-line");
    this.node = svg(`svg.spark${kind ? "." + kind : ""}`,
      { viewBox: `0 0 ${this.width} ${this.height}`, preserveAspectRatio: "none", "aria-hidden": "true" }, this.area, this.line);
  }

  draw(series, top = 0) {
    const most = Math.max(top, greatest([series])) || 1;
    const path = tracePath(series, 60, (x) => x * this.width, (value) => this.height - 1.5 - (value / most) * (this.height - 3));
    set(this.line, { d: path });
    const pieces = path.split("M").slice(1);
    set(this.area, { d: pieces.map((piece) => `M${piece}V${this.height}H${piece.split(" ")[0]}Z`).join("") });
  }
}

/* A bar filled to a share of 0 to 1, with its words beside it. */
class Bar {
  constructor() {
    this.fill = el("span.fill");
    this.words = el("span.words");
    this.node = el("span.meter", {}, el("span.track", { "aria-hidden": "true" }, this.fill), this.words);
  }

  draw(share, words, level = "") {
    this.fill.style.width = `${Math.min(1, Math.max(0, share || 0)) * 100}%`;
    set(this.node, { "data-level": level || null });
    setText(this.words, words);
  }
}

/* Parts of a whole, with a legend that is the table of them. parts: [name, value, note] */
const PART_KINDS = 6;

/* As many parts as there are colours: the smallest are one part. */
function foldParts(parts) {
  if (parts.length <= PART_KINDS) return parts;
  const small = [...parts].sort(([, a], [, b]) => a - b).slice(0, parts.length - PART_KINDS + 1);
  const names = new Set(small.map(([name]) => name));
  return [...parts.filter(([name]) => !names.has(name)), [`${small.length} others`, small.reduce((sum, [, value]) => sum + value, 0)]];
}

function drawParts(host, caption, all, unit) {
  const parts = foldParts(all);
  const total = parts.reduce((sum, [, value]) => sum + value, 0);
  if (!host.partsBar) {
    host.partsBar = el("div.parts", { "aria-hidden": "true" });
    host.partsRows = el("tbody");
    host.partsCaption = el("caption");
    host.append(host.partsBar, el("table.legend", {}, host.partsCaption,
      el("thead.unseen", {}, el("tr", {}, el("th", { scope: "col", text: "Part" }), el("th", { scope: "col", text: unit }), el("th", { scope: "col", text: "Share" }))),
      host.partsRows));
  }
  setText(host.partsCaption, caption);
  const numbered = parts.map(([name, value], i) => ({ name, value, kind: i }));
  keyed(host.partsBar, numbered.filter((part) => part.value > 0), (part) => part.name, () => el("span.part"), (node, part) => {
    node.dataset.kind = part.kind;
    node.style.flexGrow = part.value / total;
  });
  keyed(host.partsRows, numbered, (part) => part.name,
    () => el("tr", {}, el("th", { scope: "row" }, el("span.key", { "aria-hidden": "true" }), el("span")), el("td.number"), el("td.number.quiet")),
    (row, part) => {
      row.querySelector(".key").dataset.kind = part.kind;
      setText(row.children[0].lastChild, part.name);
      setText(row.children[1], `${figure(part.value)} ${unit}`);
      setText(row.children[2], percent(total ? part.value / total : 0));
    });
}

/* p50, p99 and p99.9 over time, on a logarithmic scale: so that all three can be read at once. The cursor is moved by
 * pointer or arrow keys and speaks. */
const QUANTILES = [["p50", "p50"], ["p99", "p99"], ["p999", "p99.9"]];

class LatencyChart {
  constructor() {
    this.height = 210;
    this.width = 480;
    this.left = 56; /* "0.001 ms" */
    this.right = 56;
    this.cursor = null; /* seconds ago */
    this.grid = svg("g.grid");
    this.lines = QUANTILES.map(([id]) => svg(`path.line.${id}`));
    this.ends = QUANTILES.map(([id]) => svg(`text.end.${id}`));
    this.rule = svg("line.rule", { y1: 8, visibility: "hidden" });
    this.svg = svg("svg", { "aria-hidden": "true", height: this.height }, this.grid, this.rule, ...this.lines, ...this.ends);
    this.readout = el("p.readout");
    this.plot = el("div.plot", { tabindex: 0, role: "slider", "aria-label": "Latency over time: move with the arrow keys", "aria-valuemax": 0,
      onkeydown: (event) => this.key(event), onpointermove: (event) => this.point(event), onpointerleave: () => this.move(null),
      onblur: () => this.move(null) }, this.svg);
    this.node = el("div.chart", {}, this.plot, this.readout);
    new ResizeObserver(() => {
      const width = Math.round(this.plot.clientWidth);
      if (width && width !== this.width) {
        this.width = width;
        if (this.series) this.draw(this.series);
      }
    }).observe(this.plot);
  }

  key(event) {
    const step = { ArrowLeft: 1, ArrowRight: -1, PageUp: 30, PageDown: -30 }[event.key];
    const span = past.span();
    if (event.key === "Home") this.move(span - 1);
    else if (event.key === "End") this.move(0);
    else if (event.key === "Escape") this.move(null);
    else if (step) this.move(Math.min(span - 1, Math.max(0, (this.cursor ?? 0) + step)));
    else return;
    event.preventDefault();
  }

  point(event) {
    const box = this.plot.getBoundingClientRect();
    const share = (event.clientX - box.left - this.left) / (this.width - this.left - this.right);
    this.move(Math.round((1 - Math.min(1, Math.max(0, share))) * (past.span() - 1)));
  }

  move(seconds) {
    this.cursor = seconds;
    if (this.series) this.drawCursor();
  }

  x(share) {
    return this.left + share * (this.width - this.left - this.right);
  }

  draw(series) {
    this.series = series;
    const span = past.span();
    const first = past.now - span + 1;
    let low = Infinity;
    let high = 0;
    for (const each of series) {
      for (let second = first; second <= past.now; second++) {
        const value = each.at(second);
        if (value > 0 && value < low) low = value;
        if (value > high) high = value;
      }
    }
    if (high === 0) [low, high] = [0.1, 100];
    low = Math.max(0.001, Math.min(low * 0.8, high / 10));
    high *= 1.25;
    const bottom = this.height - 24;
    const scale = Math.log(high / low);
    this.y = (value) => bottom - (Math.log(Math.max(value, low) / low) / scale) * (bottom - 10);
    set(this.svg, { width: this.width, viewBox: `0 0 ${this.width} ${this.height}` });
    this.drawGrid(low, high, bottom, span);
    const points = Math.min(span, Math.floor(this.width / 2));
    series.forEach((each, i) => set(this.lines[i], { d: tracePath(each, points, (share) => this.x(share), this.y) }));
    this.drawEnds(series);
    set(this.plot, { "aria-valuemin": -(span - 1) });
    this.drawCursor();
  }

  drawGrid(low, high, bottom, span) {
    const nodes = [];
    const steps = Math.log10(high / low) > 3 ? [1] : Math.log10(high / low) > 1.3 ? [1, 3] : [1, 2, 5];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
      for (const step of steps) {
        const value = step * 10 ** power;
        if (value < low || value > high) continue;
        const y = Math.round(this.y(value)) + 0.5;
        nodes.push(svg("line", { x1: this.left, x2: this.width - this.right, y1: y, y2: y }));
        nodes.push(svg("text.tick", { x: this.left - 6, y: y + 4, text: value >= 1000 ? `${value / 1000} s` : `${+value.toPrecision(3)} ms` }));
      }
    }
    const minutes = span / 60;
    const every = minutes > 5 ? 2 : minutes > 2 ? 1 : minutes / 4;
    for (let minute = 0; minute <= minutes + 1e-9; minute += every) {
      const x = Math.round(this.x(1 - minute / minutes));
      const said = minute === 0 ? "now" : minute < 1 || minute % 1 ? `−${minute * 60} s` : `−${minute} min`;
      nodes.push(svg(`text.tick.${minute === 0 ? "last" : "mid"}`, { x, y: this.height - 6, text: said }));
    }
    for (const second of past.restarts) {
      const share = (second - (past.now - span + 1)) / (span - 1);
      if (share < 0) continue;
      nodes.push(svg("line.restart", { x1: this.x(share), x2: this.x(share), y1: 8, y2: bottom }));
      nodes.push(svg("text.restart", { x: this.x(share) + 4, y: 16, text: "restarted" }));
    }
    this.grid.replaceChildren(...nodes);
  }

  /* Names at the lines' ends, moved apart when they would touch. */
  drawEnds(series) {
    const ends = series.map((each, i) => ({ i, value: each.most(past.now - BRIDGED, past.now) })).filter((end) => !Number.isNaN(end.value));
    ends.forEach((end) => (end.y = this.y(end.value)));
    ends.sort((a, b) => b.y - a.y);
    for (let i = 1; i < ends.length; i++) ends[i].y = Math.min(ends[i].y, ends[i - 1].y - 13);
    this.ends.forEach((node) => set(node, { visibility: "hidden" }));
    for (const end of ends) set(this.ends[end.i], { x: this.width - this.right + 6, y: end.y + 4, text: QUANTILES[end.i][1], visibility: "visible" });
  }

  drawCursor() {
    const second = past.now - (this.cursor ?? 0);
    const words = QUANTILES.map(([, name], i) => `${name} ${ms(this.series[i].most(second - 1, second))}`).join(", ");
    const when = this.cursor ? `${duration(this.cursor)} ago` : "now";
    set(this.plot, { "aria-valuenow": -(this.cursor ?? 0), "aria-valuetext": `${when}: ${words}` });
    setText(this.readout, `${when[0].toUpperCase()}${when.slice(1)}: ${words}`);
    const x = this.x(1 - (this.cursor ?? 0) / (past.span() - 1));
    set(this.rule, { x1: x, x2: x, y2: this.height - 24, visibility: this.cursor === null ? "hidden" : "visible" });
  }
}
