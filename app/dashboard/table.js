// SPDX-License-Identifier: MIT
"use strict";
/* A table whose rows stay the same elements while their figures change; sorted by the heads' buttons. On a narrow
 * screen its rows become blocks, so the roles are written out: they would be lost with the table layout.
 *
 * columns: {name, unit, help, text: item → words, or make: cell → update(item); sort: item → number or text;
 *           number: true for figures, minor: true for what a narrow screen leaves out} */
class LiveTable {
  constructor(host, { caption, columns, keyOf, empty }) {
    this.columns = columns;
    this.keyOf = keyOf;
    this.order = null; /* the gateway's order */
    this.heads = columns.map((column, i) => this.makeHead(column, i));
    this.body = el("tbody", { role: "rowgroup" });
    this.table = el("table.live", { role: "table", hidden: true }, el("caption.unseen", { text: caption }),
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...this.heads)), this.body);
    this.empty = el("p.empty", { text: empty });
    host.replaceChildren(this.table, this.empty);
  }

  makeHead(column, i) {
    const words = [column.name, column.unit ? el("span.unit", { text: ` ${column.unit}` }) : null];
    const head = el(`th${column.number ? ".number" : ""}${column.minor ? ".minor" : ""}`, { scope: "col", role: "columnheader", title: column.help });
    if (column.sort) head.append(el("button.sort", { type: "button", onclick: () => this.sortBy(i) }, ...words.filter(Boolean), el("span.arrow", { "aria-hidden": "true" })));
    else head.append(...words.filter(Boolean));
    return head;
  }

  /* Figures are first sorted from the greatest; the third press returns to the gateway's order. */
  sortBy(i) {
    const first = this.columns[i].number ? "descending" : "ascending";
    const second = first === "ascending" ? "descending" : "ascending";
    const was = this.order?.column === i ? this.order.direction : null;
    const direction = was === null ? first : was === first ? second : null;
    this.order = direction && { column: i, direction };
    this.heads.forEach((head, n) => set(head, { "aria-sort": n === i ? direction : null }));
    this.draw(this.items);
  }

  sorted(items) {
    if (!this.order) return items;
    const value = this.columns[this.order.column].sort;
    const sign = this.order.direction === "ascending" ? 1 : -1;
    const last = sign * Infinity; /* a value that was not measured comes last */
    const rank = (item) => value(item) ?? last;
    return [...items].sort((a, b) => {
      const [x, y] = [rank(a), rank(b)];
      return x === y ? 0 : sign * (x < y ? -1 : 1);
    });
  }

  makeRow() {
    const row = el("tr", { role: "row" });
    row.updates = this.columns.map((column, i) => {
      const kind = `${column.number ? ".number" : ""}${column.minor ? ".minor" : ""}`;
      const cell = i === 0 ? el(`th${kind}`, { scope: "row", role: "rowheader" }) : el(`td${kind}`, { role: "cell", "data-name": column.name });
      row.append(cell);
      if (column.make) return column.make(cell);
      const words = el("span");
      cell.append(words);
      return (item) => setText(words, column.text(item));
    });
    return row;
  }

  draw(items) {
    this.items = items;
    this.table.hidden = items.length === 0;
    this.empty.hidden = items.length > 0;
    keepingFocus(() => keyed(this.body, this.sorted(items), this.keyOf, () => this.makeRow(),
      (row, item) => row.updates.forEach((update) => update(item))));
  }
}

/* A column of figures, by a function from a row to a number. */
function figures(name, unit, value, words = figure, more = {}) {
  return { name, unit, number: true, sort: value, text: (item) => words(value(item)), ...more };
}

/* A column with a small chart of the last minutes. */
function sparks(name, seriesOf, kind = "", more = {}) {
  return {
    name, minor: true, make(cell) {
      const spark = new Spark(kind);
      cell.classList.add("picture");
      cell.append(spark.node);
      return (item) => spark.draw(seriesOf(item), more.top);
    },
  };
}

/* A cell with words, styled by a function from a row to a class. */
function wordsIn(cell, text, style) {
  const words = el("span");
  cell.append(words);
  return (item) => {
    setText(words, text(item));
    words.className = style(item);
  };
}

/* The columns of tables in which things stand under what they belong to: the name first, then the state. */
const nameColumn = (name) => ({ name, make(cell) {
  const update = wordsIn(cell, (item) => item.name, () => "mono");
  return (item) => {
    cell.classList.toggle("under", item.under === true);
    update(item);
  };
} });

const stateColumn = { name: "State", make(cell) {
  cell.classList.add("state");
  return wordsIn(cell, (item) => item.words, (item) => (item.bad ? "bad" : "quiet"));
} };
