// SPDX-License-Identifier: MIT
"use strict";
/* The task tree. Only unfolded tasks have elements; siblings that are alike are one line with a number. */

const TASKS_ASKED = 2000;
const CHILDREN_SHOWN = 100;
const ALIKE = 3; /* so many alike siblings become one line */

const tasksView = {
  loops: [],
  open: new Set(),
  closed: new Set(), /* loops are open unless closed */
  more: new Map(), /* key → how many children are shown */
  chosen: null, /* id of the task whose details are shown */
  focused: null, /* key of the line that Tab reaches */
  visible: false,

  start() {
    this.tree = el("div.tree", { role: "tree", "aria-label": "Tasks by loop and scope", onkeydown: (event) => this.key(event),
      onclick: (event) => this.click(event), onfocusin: (event) => this.focus(event.target.closest(".line")?.line) });
    this.heads = el("div.tree-head", { "aria-hidden": "true" }, el("span", { text: "Task" }), el("span", { text: "Waits for" }), el("span.number", { text: "Age" }), el("span.number", { text: "Time left" }));
    this.empty = el("p.empty");
    this.detail = el("div.detail", { role: "region", "aria-label": "The chosen task", hidden: true });
    this.truncated = el("p.note.truncated", { hidden: true });
    byId("tasks-tree").append(el("div.split", {}, el("div", {}, this.heads, this.tree, this.empty, this.truncated), this.detail));
    this.feed = new Feed(() => `/tasks?limit=${TASKS_ASKED}&stacks=${this.chosen ? 1 : 0}${this.filter() ? `&filter=${encodeURIComponent(this.filter())}` : ""}`,
      2000, (tasks) => this.take(tasks), { wanted: () => this.visible && byId("tasks-live").checked, absent: () => showSection("tasks", false) });
    new IntersectionObserver((entries) => {
      const was = this.visible;
      this.visible = entries.some((entry) => entry.isIntersecting);
      if (this.visible && !was && link.state === "live") this.feed.soon();
    }, { rootMargin: "200px" }).observe(byId("tasks"));
    byId("tasks-form").addEventListener("submit", (event) => event.preventDefault());
    byId("tasks-live").addEventListener("change", () => this.feed.soon());
    let typing = 0;
    byId("tasks-filter").addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.askAnyway(), 250);
    });
    return this.feed;
  },

  filter: () => byId("tasks-filter").value.trim(),

  /* Also while updates are off: the user has just asked for something. */
  async askAnyway() {
    if (byId("tasks-live").checked) return this.feed.soon();
    try {
      this.take(await (await ask(this.feed.path())).json());
    } catch {
      /* main.js shows whether the gateway answers */
    }
  },

  take(tasks) {
    showSection("tasks", true);
    this.loops = tasks.loops ?? [];
    const total = this.loops.reduce((sum, loop) => sum + (loop.tasks ?? 0), 0);
    setText(byId("tasks-note"), `${plural(total, "task", "tasks")} on ${plural(this.loops.length, "loop", "loops")}`);
    this.truncated.hidden = !tasks.truncated;
    setText(this.truncated, `Only ${count(TASKS_ASKED)} of them are listed. A filter shows others.`);
    const none = this.loops.every((loop) => !loop.tree?.length);
    this.empty.hidden = !none;
    this.heads.hidden = none;
    setText(this.empty, this.filter() ? "No task matches the filter." : "No tasks. An idle connection needs none: they appear with requests.");
    this.draw();
  },

  /* --- from tasks to lines --- */

  likeness: (task) => [task.name, task.state, (task.waits_for ?? "").replace(/\d+(st|nd|rd|th)\b/g, "nth"), task.route,
    ...(task.scopes ?? []).map((scope) => scope.tasks?.map((child) => tasksView.likeness(child)).join("\u0001"))].join("\u0002"),

  nodesOf(tasks, parent) {
    const alike = new Map();
    for (const task of tasks) {
      const like = this.likeness(task);
      if (!alike.has(like)) alike.set(like, []);
      alike.get(like).push(task);
    }
    const nodes = [];
    for (const [like, members] of alike) {
      if (members.length < ALIKE) nodes.push(...members.map((task) => this.nodeOf(task)));
      else nodes.push({ key: `${parent} ${like}`, kind: "group", task: members[0], members, children: () => members.map((task) => this.nodeOf(task)), has: true });
    }
    return nodes;
  },

  nodeOf(task) {
    const scopes = (task.scopes ?? []).filter((scope) => scope.tasks?.length);
    const key = `task ${task.id}`;
    const inside = () => (scopes.length === 1 ? this.nodesOf(scopes[0].tasks, key)
      : scopes.map((scope, i) => ({ key: `${key} ${i}`, kind: "scope", scope, number: i + 1, has: true, children: () => this.nodesOf(scope.tasks, `${key} ${i}`) })));
    return { key, kind: "task", task, has: scopes.length > 0, children: inside };
  },

  isOpen(node) {
    if (this.filter() || node.kind === "loop") return !this.closed.has(node.key);
    return this.open.has(node.key);
  },

  lines() {
    const lines = [];
    const walk = (nodes, level, parent) => {
      const shown = this.more.get(parent) ?? CHILDREN_SHOWN;
      nodes.slice(0, shown).forEach((node, i) => {
        const open = node.has && this.isOpen(node);
        lines.push({ ...node, level, open, parent, place: i + 1, of: nodes.length });
        if (open) walk(node.children(), level + 1, node.key);
      });
      if (nodes.length > shown) lines.push({ key: `${parent} more`, kind: "more", level, parent, left: nodes.length - shown, place: shown + 1, of: nodes.length });
    };
    walk(this.loops.map((loop) => ({ key: `loop ${loopName(loop)}`, kind: "loop", loop, has: loop.tree?.length > 0, children: () => this.nodesOf(loop.tree, `loop ${loopName(loop)}`) })), 1, "");
    return lines;
  },

  /* --- drawing --- */

  draw() {
    this.shown = this.lines();
    if (!this.shown.some((line) => line.key === this.focused)) this.focused = this.shown[0]?.key ?? null;
    keepingFocus(() => keyed(this.tree, this.shown, (line) => line.key, () => this.makeLine(), (node, line) => this.drawLine(node, line)));
    this.drawDetail();
  },

  makeLine() {
    const name = el("span.name");
    const node = el("div.line", { role: "treeitem" },
      el("span.first", {}, el("span.twist", { "aria-hidden": "true" }), name), el("span.waits"), el("span.age.number"), el("span.left.number"));
    node.name = name;
    return node;
  },

  drawLine(node, line) {
    const task = line.task ?? {};
    node.line = line;
    set(node, {
      "aria-level": line.level, "aria-posinset": line.place, "aria-setsize": line.of, "aria-expanded": line.has ? String(line.open) : null,
      "aria-selected": line.kind === "task" ? String(task.id === this.chosen) : null, tabindex: line.key === this.focused ? 0 : -1, "data-kind": line.kind,
    });
    node.style.setProperty("--level", line.level - 1);
    const [, waits, since, left] = node.children;
    const oldest = line.members ? Math.max(...line.members.map((member) => member.age_ms ?? 0)) : task.age_ms;
    const soonest = line.members ? Math.min(...line.members.map((member) => member.deadline_ms ?? Infinity)) : (line.scope ?? task).deadline_ms;
    setText(node.name, { loop: () => `loop ${loopName(line.loop)}`, group: () => `${task.name}  ×${count(line.members.length)}`, scope: () => `scope ${line.number}`,
      more: () => `Show more: ${count(line.left)} are left`, task: () => task.name }[line.kind]());
    setText(waits, line.kind === "loop" ? plural(line.loop.tasks ?? 0, "task", "tasks") : line.task ? [task.state, task.waits_for].filter(Boolean).join(": ") : "");
    setText(since, age(oldest));
    setText(left, age(soonest));
  },

  drawDetail() {
    const line = this.chosen && this.find(this.chosen);
    this.detail.hidden = !this.chosen;
    if (!this.chosen) return;
    if (!line) {
      if (this.detail.firstChild?.dataset.ended !== String(this.chosen))
        this.detail.replaceChildren(el("p.empty", { text: "This task has ended, or is not listed any more.", "data-ended": String(this.chosen) }), this.closer());
      return;
    }
    const facts = [["State", line.state], ["Waits for", line.waits_for], ["Route", line.route], ["Age", known(line.age_ms) ? duration(line.age_ms / 1000) : ""],
      ["Time left", known(line.deadline_ms) ? duration(line.deadline_ms / 1000) : ""], ["Spawned at", line.spawned_at], ["Id", line.id]];
    const rows = facts.filter(([, value]) => value !== undefined && value !== null && value !== "");
    const heading = el("div.head", {}, el("h3.mono", { text: line.name }), this.closer());
    keepingFocus(() => {
      if (this.detail.shownId !== line.id || !this.detail.facts?.isConnected) {
        this.detail.facts = el("dl.facts");
        this.detail.stack = el("div");
        this.detail.replaceChildren(heading, this.detail.facts, this.detail.stack);
        this.detail.shownId = line.id;
      }
      keyed(this.detail.facts, rows.flatMap(([name, value]) => [{ tag: "dt", name, value: name }, { tag: "dd", name: `${name} value`, value }]), (row) => row.name,
        (row) => el(row.tag), (node, row) => setText(node, row.value));
      const state = JSON.stringify(line.stack ?? []);
      if (this.detail.stackState !== state || !this.detail.stack.firstChild) {
        this.detail.stackState = state;
        this.detail.stack.replaceChildren(line.stack?.length ? stackList(line.stack) : el("p.empty", { text: "Its stack comes with the next answer." }));
      }
    });
  },

  closer() {
    return el("button", { type: "button", text: "Close", onclick: () => {
      this.chosen = null;
      this.draw();
      this.tree.querySelector('[tabindex="0"]')?.focus();
    } });
  },

  find(id) {
    const within = (tasks) => {
      for (const task of tasks ?? []) {
        if (task.id === id) return task;
        for (const scope of task.scopes ?? []) {
          const found = within(scope.tasks);
          if (found) return found;
        }
      }
      return null;
    };
    for (const loop of this.loops) {
      const found = within(loop.tree);
      if (found) return found;
    }
    return null;
  },

  /* --- keys and clicks --- */

  fold(line, open) {
    const listed = this.filter() || line.kind === "loop" ? this.closed : this.open;
    if (open === (listed === this.open)) listed.add(line.key);
    else listed.delete(line.key);
    this.draw();
  },

  act(line) {
    if (line.kind === "more") {
      this.more.set(line.parent, (this.more.get(line.parent) ?? CHILDREN_SHOWN) + 2 * CHILDREN_SHOWN);
      this.draw();
    } else if (line.kind === "task") {
      this.chosen = this.chosen === line.task.id ? null : line.task.id;
      this.draw();
      if (this.chosen) this.askAnyway();
    } else {
      this.fold(line, !line.open);
    }
  },

  focus(line) {
    if (!line || (line.key === this.focused && document.activeElement?.line?.key === line.key)) return;
    this.focused = line.key;
    for (const node of this.tree.children) {
      set(node, { tabindex: node.line.key === line.key ? 0 : -1 });
      if (node.line.key === line.key) node.focus();
    }
  },

  click(event) {
    const node = event.target.closest(".line");
    if (!node) return;
    this.focus(node.line);
    if (event.target.closest(".twist") && node.line.has) this.fold(node.line, !node.line.open);
    else this.act(node.line);
  },

  key(event) {
    const at = this.shown.findIndex((line) => line.key === this.focused);
    const line = this.shown[at];
    if (!line || event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = {
      ArrowDown: () => this.focus(this.shown[at + 1]),
      ArrowUp: () => this.focus(this.shown[at - 1]),
      Home: () => this.focus(this.shown[0]),
      End: () => this.focus(this.shown.at(-1)),
      ArrowRight: () => (line.has && !line.open ? this.fold(line, true) : line.has && this.focus(this.shown[at + 1])),
      ArrowLeft: () => (line.open ? this.fold(line, false) : this.focus(this.shown.find((other) => other.key === line.parent))),
      Enter: () => this.act(line),
      " ": () => this.act(line),
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
  },
};
