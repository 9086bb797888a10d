// SPDX-License-Identifier: MIT
// Checks of a loaded page: each runs inside the browser and returns a list of findings.

// Names, labels, captions, headings, landmarks, unique ids.
export function structure() {
  const found = [];
  const shown = (node) => node.checkVisibility({ checkVisibilityCSS: true });
  const text = (node) => (node.getAttribute("aria-label") ?? (node.getAttribute("aria-labelledby") ?? "").split(" ")
    .map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim()) || node.textContent.trim();
  const say = (node, what) => found.push(`${what}: ${node.outerHTML.slice(0, 120)}`);
  for (const node of document.querySelectorAll("button, a[href], summary")) if (!text(node)) say(node, "it has no name");
  for (const node of document.querySelectorAll("input, select, textarea")) if (![...(node.labels ?? [])].some((label) => label.textContent.trim())) say(node, "it has no label");
  for (const node of document.querySelectorAll("table")) {
    if (!node.caption?.textContent.trim()) say(node, "a table without a caption");
    for (const head of node.querySelectorAll("th")) if (!head.scope) say(head, "a head without a scope");
    for (const row of node.tBodies[0].rows) if (row.cells[0].tagName !== "TH") say(row, "a row without a head");
  }
  for (const node of document.querySelectorAll('[role="slider"], [role="tree"], [role="region"], [role="search"], section, nav')) if (!node.hasAttribute("aria-label") && !node.hasAttribute("aria-labelledby")) say(node, "it needs a label");
  for (const node of document.querySelectorAll("svg")) if (node.getAttribute("aria-hidden") !== "true") say(node, "a picture that says nothing and is not hidden");
  for (const node of document.querySelectorAll('[role="treeitem"]')) if (!node.getAttribute("aria-level") || !node.getAttribute("aria-setsize")) say(node, "a line of the tree without its place");
  for (const tree of document.querySelectorAll('[role="tree"]')) if (tree.children.length && tree.querySelectorAll('[tabindex="0"]').length !== 1) say(tree, "not one line that Tab reaches");
  for (const one of ["header", "main", "footer", "h1"]) if (document.querySelectorAll(one).length !== 1) found.push(`not exactly one ${one}`);
  let level = 0;
  for (const node of [...document.querySelectorAll("h1, h2, h3, h4")].filter(shown)) {
    const now = Number(node.tagName[1]);
    if (now > level + 1) say(node, `a heading of level ${now} after one of level ${level}`);
    level = now;
  }
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`two elements are #${id}`);
  if (!document.documentElement.lang || !document.title) found.push("no language or title");
  return found;
}

// The contrast of every visible text with its background: at least 4.5 to 1, large text 3 to 1.
export function contrast() {
  const found = new Set();
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const parse = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return { r, g, b, a: a / 255 };
  };
  const over = (top, ground) => ({ r: top.r * top.a + ground.r * (1 - top.a), g: top.g * top.a + ground.g * (1 - top.a), b: top.b * top.a + ground.b * (1 - top.a), a: 1 });
  const light = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const groundOf = (node) => {
    const layers = [];
    for (let each = node; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour.a > 0) layers.push(colour);
      if (colour.a === 1) break;
    }
    return layers.reverse().reduce((ground, layer) => over(layer, ground), parse("#fff"));
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let texts = 0;
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement;
    if (!text.data.trim() || !node.checkVisibility({ checkVisibilityCSS: true }) || node.closest("script, style, noscript, .unseen")) continue;
    const style = getComputedStyle(node);
    const ground = groundOf(node);
    const ink = over(parse(node instanceof SVGElement ? style.fill : style.color), ground);
    const [more, less] = [light(ink), light(ground)].sort((a, b) => b - a);
    const ratio = (more + 0.05) / (less + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 600);
    texts++;
    if (ratio < (large ? 3 : 4.5)) found.add(`${ratio.toFixed(2)} for '${text.data.trim().slice(0, 30)}' (${node.tagName} ${node.getAttribute("class")}) ${style.color}`);
  }
  return texts < 50 ? [`only ${texts} texts were seen`] : [...found];
}

// Elements that extend beyond this many pixels to the right. A phone would widen its viewport instead.
export function sideways(width) {
  if (document.documentElement.scrollWidth <= width) return [];
  const inside = (node) => node.closest(".jump, .stack, .flame");
  return [`${document.documentElement.scrollWidth} of ${width} pixels`, ...[...document.querySelectorAll("body *")]
    .filter((node) => node.getBoundingClientRect().right > width + 1 && !inside(node)).map((node) => `${node.tagName} ${node.className}`).slice(0, 5)];
}

// Boxes whose content extends beyond their right edge.
export function overfull() {
  return [...document.querySelectorAll(".panel, .tile, .card, main")].filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.id || each.className);
}
