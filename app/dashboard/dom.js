// SPDX-License-Identifier: MIT
"use strict";
/* Functions that make and change elements. None takes markup: the name of a task or route is always text. */

function set(node, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (name === "text") setText(node, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === undefined || value === null || value === false) node.removeAttribute(name);
    else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value === true ? "" : value);
  }
  return node;
}

/* el("td.number", {title: "…"}, child, "text") */
function el(what, properties = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  set(node, properties);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function svg(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  if (classes.length) node.setAttribute("class", classes.join(" "));
  set(node, attributes);
  node.append(...children);
  return node;
}

/* Sets a text only when it differs: selections stay, and screen readers don't read again. */
function setText(node, text) {
  text = String(text);
  if (node.textContent !== text) node.textContent = text;
}

/* Makes the children of parent those of items, in order: the same key keeps its element, and with it focus and state.
 * make(item) returns an element; update(element, item) is called for each. */
function keyed(parent, items, keyOf, make, update) {
  const old = parent.keyedChildren ?? new Map();
  const now = new Map();
  let place = parent.firstChild;
  for (const item of items) {
    let key = keyOf(item);
    while (now.has(key)) key += "+"; /* items with equal keys are distinguished by their order */
    const node = old.get(key) ?? make(item);
    now.set(key, node);
    update(node, item);
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
  }
  for (const [key, node] of old) if (!now.has(key)) node.remove();
  parent.keyedChildren = now;
}

const byId = (id) => document.getElementById(id);

/* A focused element that is moved loses its focus; this brings it back. */
function keepingFocus(change) {
  const focused = document.activeElement;
  change();
  if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
}

/* Shows a section, and its link, only when there is something to show. */
function showSection(id, shown) {
  byId(id).hidden = !shown;
  const link = document.querySelector(`#jump a[href="#${id}"]`);
  if (link) link.parentNode.hidden = !shown;
}
