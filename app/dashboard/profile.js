// SPDX-License-Identifier: MIT
"use strict";
/* The profile: samples of CPU time from folded stacks ("a;b;c 12"), as a flame graph and as a table. */

const FLAME_LEAST = 0.002; /* share of the width; a narrower box can't be read */
const FUNCTIONS_LISTED = 20;

const profileView = {
  start() {
    byId("profile-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.record(Number(byId("profile-seconds").value));
    });
    this.view = byId("profile-view");
    this.view.append(el("p.empty", { text: "Nothing recorded. Record samples the loops and pools by the CPU time that they use, while the gateway goes on serving." }));
  },

  /* Asks whether the gateway has the page, without taking a profile. */
  async probe() {
    try {
      await ask("/profile?seconds=0");
      showSection("profile", true);
    } catch (problem) {
      showSection("profile", Boolean(problem.status) && problem.status !== 404);
    }
  },

  async record(seconds) {
    const button = byId("profile-record");
    button.disabled = true;
    setText(button, "Recording");
    announce(`Recording for ${seconds} seconds`);
    try {
      const text = await (await ask(`/profile?seconds=${seconds}`, (seconds + 10) * 1000)).text();
      this.take(text);
      announce("The profile is ready");
    } catch (problem) {
      this.view.replaceChildren(el("p.empty", { text: `The profile could not be recorded: ${problem.message}.` }));
    }
    button.disabled = false;
    setText(button, "Record");
  },

  take(text) {
    this.root = { name: "all", value: 0, self: 0, children: new Map(), depth: 0 };
    const functions = new Map();
    for (const line of text.split("\n")) {
      const match = /^(.+) (\d+)$/.exec(line.trim());
      if (!match) continue;
      const samples = Number(match[2]);
      const names = match[1].split(";");
      let node = this.root;
      node.value += samples;
      for (const name of names) {
        let child = node.children.get(name);
        if (!child) node.children.set(name, (child = { name, value: 0, self: 0, children: new Map(), depth: node.depth + 1, parent: node }));
        child.value += samples;
        node = child;
      }
      node.self += samples;
      for (const name of new Set(names)) {
        const sum = functions.get(name) ?? { name, self: 0, total: 0 };
        sum.total += samples;
        functions.set(name, sum);
      }
      functions.get(names.at(-1)).self += samples;
    }
    if (this.root.value === 0) {
      this.view.replaceChildren(el("p.empty", { text: "No samples: nothing was computed in this time." }));
      return;
    }
    setText(byId("profile-note"), `${plural(this.root.value, "sample", "samples")} of CPU time`);
    this.flame = el("div.flame", { role: "group", "aria-label": "Flame graph: move with the arrow keys, Enter widens, Escape goes back", onkeydown: (event) => this.key(event),
      onclick: (event) => event.target.node && this.widen(event.target.node) });
    this.words = el("p.readout");
    const table = new LiveTable(this.list = el("div"), { caption: "Functions by their own CPU time", keyOf: (item) => item.name, empty: "", columns: [
      { name: "Function", sort: (item) => item.name, make(cell) {
        const words = el("span.mono");
        cell.append(words);
        return (item) => setText(words, item.name);
      } },
      meter("Itself", (item) => item.self / this.root.value, (item) => percent(item.self / this.root.value)),
      figures("With callees", "", (item) => item.total / this.root.value, percent),
    ] });
    table.draw([...functions.values()].filter((item) => item.self > 0).sort((a, b) => b.self - a.self).slice(0, FUNCTIONS_LISTED));
    this.view.replaceChildren(this.flame, this.words, this.list);
    this.widen(this.root);
  },

  /* Shows a node and its callers over the whole width, and its callees in proportion. */
  widen(top) {
    this.top = top;
    const frames = [];
    let depth = 0;
    const add = (node, from, share) => {
      frames.push([node, from, share]);
      depth = Math.max(depth, node.depth);
    };
    const walk = (node, from) => {
      let at = from;
      for (const child of [...node.children.values()].sort((a, b) => b.value - a.value)) {
        const share = child.value / top.value;
        if (share >= FLAME_LEAST) {
          add(child, at, share);
          walk(child, at);
        }
        at += share;
      }
    };
    for (let node = top; node; node = node.parent) add(node, 0, 1);
    walk(top, 0);
    this.flame.style.height = `${(depth + 1) * 20}px`;
    this.flame.replaceChildren(...frames.map(([node, from, share]) => {
      const words = `${node.name}, ${percent(node.value / this.root.value)}`;
      const button = el("button.frame", { type: "button", text: node.name, title: words, "aria-label": words, tabindex: node === top ? 0 : -1 });
      button.node = node;
      button.dataset.kind = this.hue(node.name);
      button.style.left = `${from * 100}%`;
      button.style.width = `${share * 100}%`;
      button.style.top = `${node.depth * 20}px`;
      button.addEventListener("focus", () => this.tell(node));
      button.addEventListener("pointerenter", () => this.tell(node));
      node.button = button;
      return button;
    }));
    this.tell(top);
  },

  tell(node) {
    setText(this.words, `${node.name}: ${percent(node.value / this.root.value)} with callees, ${percent(node.self / this.root.value)} itself`);
  },

  hue: (name) => [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7) % 5,

  key(event) {
    const node = document.activeElement?.node;
    if (!node) return;
    const siblings = node.parent ? [...node.parent.children.values()].sort((a, b) => b.value - a.value) : [node];
    const children = [...node.children.values()].sort((a, b) => b.value - a.value);
    const to = { ArrowDown: children[0], ArrowUp: node.parent, ArrowRight: siblings[siblings.indexOf(node) + 1], ArrowLeft: siblings[siblings.indexOf(node) - 1] }[event.key];
    if (event.key === "Escape") {
      this.widen(this.root);
      this.root.button.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      this.widen(node);
      node.button.focus();
    } else if (to?.button?.isConnected) {
      for (const frame of this.flame.children) frame.tabIndex = -1;
      to.button.tabIndex = 0;
      to.button.focus();
    } else if (!event.key.startsWith("Arrow")) {
      return;
    }
    event.preventDefault();
  },
};
