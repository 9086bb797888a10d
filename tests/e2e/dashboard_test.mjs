#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// The dashboard in Chromium: with the real program, and with a simulated admin address that gives any figures.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, launch, resize, root } from "./browser/browser.mjs";
import { contrast, overfull, sideways, structure } from "./browser/checks.mjs";
import { child, end, endAll } from "./browser/processes.mjs";

const weir = process.env.WEIR ?? join(build, "weir");
const MOST_PAGE_BYTES = 112 << 10;
const PATIENCE_MS = 60_000;
const AT_ONCE = 3; // most of the time is spent waiting for the next second
const directory = mkdtempSync(join(tmpdir(), "weir-"));
let browser;

// ---- processes ----

const fake = (...args) => child("python3", ["-B", join(root, "tests/e2e/fake_admin.py"), ...args], (said) => {
  const url = /http:\S+/.exec(said);
  return url && { url: url[0] };
});

function gateway(admin = "127.0.0.1:0") {
  const file = join(directory, "gateway.yaml");
  const routes = [{ path: "/hello", respond: { body: "hello" } }, { path: "/burn", burn: { cpu: "60ms" }, on: "loop" }, { path: "/%3Cb%3E", respond: { body: "x" } },
    { path: "/job", burn: { cpu: "20ms" } }, { path: "/sleep", sleep: { for: "600s" } }, { path: "/never", respond: { body: "x" } }];
  writeFileSync(file, JSON.stringify({ listen: "127.0.0.1:0", admin, loops: 1, access_log: false, pools: { compute: { wait: "10m" } }, routes }));
  return child(weir, ["serve", file], (said) => {
    const [of, at] = ["gateway", "admin"].map((what) => new RegExp(`listening addr=(\\S+) for=${what}`).exec(said));
    return of && at && { url: `http://${at[1]}`, serves: `http://${of[1]}` };
  });
}

const tell = (url, what) => fetch(`${url}/fake`, { method: "POST", body: JSON.stringify(what) });

// Below the ports that the system assigns to connections, so that the port stays free while the gateway is away.
async function quietPort() {
  for (let port = 21000 + (process.pid % 5000); ; port++) {
    const free = await new Promise((resolve) => {
      const server = createServer().on("error", () => resolve(false)).listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

// ---- a page whose faults are recorded ----

async function open(url, { lacks = [], observes = true, ...options } = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  page.setDefaultTimeout(PATIENCE_MS);
  page.problems = [];
  page.requests = [];
  page.on("pageerror", (problem) => page.problems.push(problem.stack));
  page.on("request", (each) => page.requests.push(each.url()));
  page.on("console", (message) => {
    const missing = /status of 404/.test(message.text()) && lacks.includes(new URL(message.location().url).pathname);
    if (["error", "warning"].includes(message.type()) && !missing && !page.expected) page.problems.push(`${message.text()} ${message.location().url}`);
  });
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  if (!observes) await page.addInitScript(() => (window.ResizeObserver = class { observe() {} }));
  page.answer = await page.goto(url);
  await page.locator('body[data-state="live"]').waitFor();
  return page;
}

// Checks that the page had no error, no violated policy, and no request to another host than the gateway.
async function leave(page, url) {
  assert.deepEqual(page.problems, []);
  assert.deepEqual(await page.evaluate(() => window.violations), []);
  assert.deepEqual(page.requests.filter((each) => !each.startsWith(`${url}/`)), []);
  assert.equal(await page.evaluate(() => window.broken), undefined);
  await page.close();
}

const polled = (page, path) => page.waitForRequest((each) => new URL(each.url()).pathname === path);
const textOf = (page, selector) => page.locator(selector).first().textContent();
const until = (page, what, arg) => page.waitForFunction(what, arg);

// ---- the cases ----

const cases = {
  async "the gateway's own page loads, updates by itself and shows what is asked of the gateway"() {
    const { process, url, serves } = await gateway();
    const page = await open(url);
    const headers = page.answer.headers();
    assert.match(headers["content-security-policy"], /default-src 'none'.*script-src 'sha256-[^;]*; .*trusted-types 'none'/);
    assert.doesNotMatch(headers["content-security-policy"], /unsafe|\*|https?:/);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.ok((await page.answer.body()).length <= MOST_PAGE_BYTES);
    const row = page.locator("#routes-table tbody tr", { hasText: "/hello" });
    await row.waitFor();
    assert.equal(await row.locator("td").nth(1).textContent(), "0");
    await Promise.all(Array.from({ length: 30 }, () => fetch(`${serves}/hello`)));
    await until(page, () => [...document.querySelectorAll("#routes-table tbody tr")].some((tr) => tr.textContent.includes("/hello") && parseFloat(tr.cells[2].textContent) > 0 && tr.cells[5].textContent !== "–"));
    assert.equal(await page.locator("main b b, main script").count(), 0);
    const computes = async () => (await (await fetch(`${url}/stalls`)).json()).some((stall) => stall.kind === "computing" && stall.route === "/burn");
    do await fetch(`${serves}/burn`); // on a busy machine some are starved instead
    while (!(await computes()));
    const card = page.locator("#stalls-list .card", { hasText: "/burn" }).filter({ hasText: "computing" });
    await card.waitFor();
    assert.match(await card.textContent(), /computing.*held loop 0 for \d+/s);
    await card.locator(".stack li", { hasText: /burn\.c/ }).first().waitFor();
    await until(page, () => document.getElementById("announce").textContent.toLowerCase().includes("new stall"));
    const asleep = fetch(`${serves}/sleep`);
    await page.locator("#tasks").scrollIntoViewIfNeeded();
    await page.locator("[role=treeitem]", { hasText: "loop 0" }).waitFor();
    await page.locator("[role=treeitem]", { hasText: "GET /sleep" }).first().waitFor();
    assert.equal((await fetch(`${serves}/job`)).status, 200);
    let recording = true; // the tree is requested all the time: a refusal would appear on the console
    await page.locator("#profile-seconds").selectOption("2");
    await page.click("#profile-record");
    const burns = (async () => {
      while (recording) await fetch(`${serves}/burn`);
    })();
    await page.locator(".frame", { hasText: "/burn" }).first().waitFor();
    recording = false;
    await burns;
    await page.locator("#advice").scrollIntoViewIfNeeded();
    const advised = (name) => page.locator("#advice-list .card").filter({ has: page.locator("h3", { hasText: name }) });
    await advised("/burn").locator(".advice p", { hasText: "offload it" }).waitFor();
    await advised("pool compute").locator(".note", { hasText: /jobs\/s × .* ms run = .* workers? busy/ }).waitFor();
    assert.equal(await advised("/never").count(), 0);
    void asleep.catch(() => {}); // the request ends with the gateway
    await leave(page, url);
    await end({ process });
  },

  async "a stall that is new is shown first and said once, politely"(url) {
    const page = await open(url);
    await page.locator("#stalls-list .card").nth(2).waitFor();
    assert.doesNotMatch(await textOf(page, "#announce"), /stall/);
    assert.equal(await page.getAttribute("#announce", "aria-live"), "polite");
    await tell(url, { stall: "POST /fresh" });
    await until(page, () => document.getElementById("announce").textContent.includes("POST /fresh held loop 0 for 60.2 ms, computing"));
    const card = page.locator("#stalls-list .card").first();
    assert.match(await card.textContent(), /POST \/fresh.*compute.*burn\.c:44.*Instead.*weir_offload/s);
    assert.equal(await textOf(page, "#stalls-count"), "4");
    await leave(page, url);
  },

  async "what fails, what is refused and half-sent heads are named; idle routes stand behind the others"() {
    const { process, url } = await fake("--idle", "10");
    const page = await open(url);
    await page.locator("#notices li", { hasText: /10\.0\.0\.11:8443 fails: .* of calls, connect \(connection refused\)/ }).waitFor();
    assert.match(await textOf(page, "#origins-table tbody tr"), /10\.0\.0\.11:8443.*100 % connect/s);
    assert.equal(await page.locator("#notices li").count(), 1);
    await tell(url, { shed: 0.41 });
    await tell(url, { half_sent: 3000 });
    await page.locator("#notices li", { hasText: /^Refused: 41 % of requests: queueing/ }).waitFor();
    await page.locator("#notices li", { hasText: /^Half-sent heads: 3.000 now, 3.000 timed out; most from 203\.0\.113\.9/ }).waitFor();
    const rows = page.locator("#routes-table tbody tr");
    assert.doesNotMatch(await rows.first().textContent(), /idle/);
    assert.equal(await rows.count(), 6);
    await page.locator("button", { hasText: "and 11 idle routes more" }).click();
    await until(page, () => document.querySelectorAll("#routes-table tbody tr").length === 17);
    for (const width of [360, 768, 1280, 1920]) {
      await resize(page, width);
      assert.deepEqual(await page.evaluate(overfull), [], `over their edge, ${width} wide`);
    }
    await page.locator("#routes-table .pick", { hasText: "/page/{id}" }).click();
    await until(page, () => document.querySelectorAll("#route .legend tbody tr").length === 6);
    const kinds = await page.evaluate(() => [...document.querySelectorAll("#route .legend .key")].map((each) => each.dataset.kind));
    assert.equal(new Set(kinds).size, kinds.length, "each part has a colour of its own");
    await page.locator("#advice").scrollIntoViewIfNeeded();
    const finding = page.locator("#advice-list .card").first();
    await finding.locator(".kind", { hasText: "wrong" }).waitFor();
    assert.match(await finding.textContent(), /97 % of its 10920 calls fail/);
    await leave(page, url);
    await end({ process });
  },

  async "listeners and backends with TLS have their certificates below them, and those that end stand out"() {
    const { process, url } = await fake();
    const page = await open(url);
    const rows = page.locator("#tls-table tbody tr");
    await rows.nth(3).waitFor();
    assert.match(await rows.nth(0).textContent(), /0\.0\.0\.0:443.*34.*83 %/s);
    assert.match(await rows.nth(1).textContent(), /mail\.example\.com.*RSA 2048, expires 2027-01-30, in 61 days/s); // the one that ends first
    assert.match(await rows.nth(3).textContent(), /backend orders.*1\.4/s);
    assert.equal(await page.locator("#tls-table .bad").count(), 0);
    await tell(url, { out: true });
    await page.locator("#notices li", { hasText: "TLS of 0.0.0.0:443: 414 failed: refused 411, plain 3" }).waitFor();
    await page.locator("#notices li", { hasText: "Certificate of mail.example.com: expired 2026-11-28" }).waitFor();
    await page.locator("#notices li", { hasText: "its changed file is not used: new.key is not the key of new.pem" }).waitFor();
    await page.locator("#tls-table .bad", { hasText: "ECDSA P-256, expires 2026-12-02, in 2 days" }).waitFor();
    assert.match(await rows.nth(6).textContent(), /https URLs/);
    assert.deepEqual(await page.evaluate(structure), []);
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme });
      assert.deepEqual(await page.evaluate(contrast), []);
    }
    for (const width of [360, 768, 1280, 1920]) {
      await resize(page, width);
      assert.deepEqual(await page.evaluate(sideways, width), []);
    }
    await leave(page, url);
    await end({ process });
  },

  async "each backend has its instances below it, those that are out first"() {
    const { process, url } = await fake();
    const page = await open(url);
    const rows = page.locator("#backends-table tbody tr");
    await rows.nth(12).waitFor();
    assert.match(await rows.nth(0).textContent(), /orders.*183.*0.*15 of 256.*3 of 3 up/s);
    assert.match(await rows.nth(1).textContent(), /second attempts.*10.*hedged 5\.1 % after 41\.2 ms, 61 % won; retried 0\.4 %; budget for 91\.5 more/s);
    assert.match(await rows.nth(2).textContent(), /10\.0\.1\.9:7101.*up 30 min 40 s/s); // the one with most in progress
    assert.match(await rows.nth(6).textContent(), /limit, auto\d+$/); // and a curve
    assert.notEqual(await rows.nth(6).locator(".spark-line").getAttribute("d"), "");
    assert.equal(await page.locator("#backends-table .spark").count(), 1);
    assert.match(await rows.nth(12).textContent(), /and 3 more/);
    assert.equal(await rows.count(), 13);
    await tell(url, { out: true });
    await page.locator("#notices li", { hasText: "orders: 1 of 3 up, 3 waiting, 43 refused: limited 41, busy 2 (10.0.1.8:7101 down 12 s: connection refused" }).waitFor();
    await page.locator("#notices li", { hasText: "mail: breaker open for 12 s, 1 of 1 up, 310 refused: open 310" }).waitFor();
    assert.match(await rows.nth(0).textContent(), /orders/);
    assert.match(await rows.nth(1).locator(".bad").textContent(), /denied 314: budget 310, busy 4; budget for 0\.20 more/);
    assert.match(await rows.nth(2).textContent(), /10\.0\.1\.9:7101.*10 %.*ejected 12 s: Bad Gateway/s);
    assert.equal(await page.locator("#backends-table .bad", { hasText: "ejected 12 s" }).count(), 1);
    assert.match(await rows.nth(5).textContent(), /mail/);
    await page.locator("#advice").scrollIntoViewIfNeeded();
    await page.locator("#advice-list .card", { hasText: "backend orders" }).waitFor();
    assert.deepEqual(await page.evaluate(structure), []);
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme });
      assert.deepEqual(await page.evaluate(contrast), []);
    }
    for (const width of [360, 768, 1280, 1920]) {
      await resize(page, width);
      assert.deepEqual(await page.evaluate(overfull), [], `over their edge, ${width} wide`);
    }
    await leave(page, url);
    await end({ process });
  },

  async "processes of the gateway and of applications are listed, with what is wrong"() {
    const { url, process } = await fake(); // of its own: it changes what is wrong for all who watch
    const page = await open(url);
    const rows = page.locator("#processes-table tbody tr");
    await rows.nth(4).waitFor();
    assert.match(await rows.nth(0).textContent(), /process 1.*ready.*1 d 2 h.*12.*0.*pid 4101, generation 1/s);
    assert.match(await rows.nth(2).textContent(), /shop.*ready.*7.*0.*2 starts/s);
    assert.match(await rows.nth(4).textContent(), /shop\[2\].*ready.*2 min.*pid 4202, 1.205 requests, 1 failure/s);
    await tell(url, { out: true });
    await rows.filter({ hasText: "waiting" }).waitFor();
    assert.match(await page.locator("#processes-note").textContent(), /reloading, generation 2, supervisor 4100/);
    assert.equal(await page.locator("#processes-table .bad", { hasText: "the one before it ended by SIGSEGV" }).count(), 1);
    assert.equal(await page.locator("#processes-table .bad", { hasText: "no answer for 12 s" }).count(), 1);
    assert.equal(await page.locator("#processes-table .bad", { hasText: "it said: ModuleNotFoundError" }).count(), 1);
    assert.equal(await page.locator("main img, main script").count(), 0);
    assert.deepEqual(await page.evaluate(structure), []);
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme });
      assert.deepEqual(await page.evaluate(contrast), []);
    }
    await leave(page, url);
    await end({ process });
  },

  async "names that hold markup stay text, everywhere"(url) {
    const page = await open(url);
    await page.locator("#tasks").scrollIntoViewIfNeeded();
    await page.fill("#tasks-filter", "<script>");
    await page.locator("[role=treeitem]", { hasText: "loop 0" }).waitFor();
    await page.locator("[role=treeitem]", { hasText: "main" }).click({ position: { x: 4, y: 10 } });
    const line = page.locator("[role=treeitem]", { hasText: /reading from .*<script>/ });
    await line.click();
    await page.locator("#tasks .detail h3", { hasText: "<script>window.broken" }).waitFor();
    await page.locator("#routes-table button", { hasText: "<img src=x" }).click();
    await page.click("#profile-record");
    await page.locator(".frame", { hasText: "<script>" }).waitFor();
    await until(page, () => document.querySelector("#route h3").textContent.includes("onerror="));
    assert.equal(await page.locator("main img, main script").count(), 0);
    await leave(page, url);
  },

  async "the policy is in force: no other script, no other address, no markup"(url) {
    const page = await open(url);
    page.expected = true;
    const tried = await page.evaluate(async () => {
      const attempts = {};
      const attempt = async (name, run) => (attempts[name] = await Promise.resolve().then(run).then(() => "allowed", () => "refused"));
      await attempt("markup", () => (document.createElement("p").innerHTML = "<b>x</b>"));
      await attempt("handler", () => document.body.setAttribute("onclick", "window.broken = 1"));
      await attempt("script", () => document.body.append(Object.assign(document.createElement("script"), { src: "/x.js" })));
      await attempt("elsewhere", () => fetch("http://127.0.0.1:9/"));
      return attempts;
    });
    assert.deepEqual(tried, { markup: "refused", handler: "refused", script: "refused", elsewhere: "refused" });
    page.problems.length = 0;
    await page.close();
  },

  async "all of it can be reached and used with the keyboard"(url) {
    const page = await open(url);
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "Skip to the figures");
    assert.ok((await page.locator(".skip").boundingBox()).y >= 0);
    await page.keyboard.press("Enter");
    assert.equal(await focused(), "main");
    const visited = [];
    for (let i = 0; i < 70 && !visited.at(-1)?.startsWith("loop 0"); i++) {
      await page.keyboard.press("Tab");
      const [name, outline, chart] = await page.evaluate(() => {
        const node = document.activeElement;
        const seen = node.matches(".choice input") ? node.nextElementSibling : node;
        return [node.id || node.textContent.trim(), getComputedStyle(seen).outlineStyle, node.matches(".plot")];
      });
      visited.push(name);
      assert.equal(outline, "solid", `no focus is seen at '${name}'`);
      if (name === "POST /hash") {
        await page.keyboard.press("Enter");
        assert.equal(await textOf(page, "#route h3"), "POST /hash");
      }
      if (chart) {
        const said = () => page.getAttribute(".plot", "aria-valuetext");
        assert.match(await said(), /^now: p50 .*p99 .*p99\.9 /);
        await page.keyboard.press("PageUp");
        assert.match(await said(), /^30 s ago/);
      }
    }
    for (const name of ["POST /hash", "tasks-filter", "tasks-live"]) assert.ok(visited.includes(name), `${name} is not in ${visited}`);
    for (const key of ["ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown"]) await page.keyboard.press(key);
    assert.match(await focused(), /^GET \/page\/\{id\} {2}×\d/);
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.locator("#tasks .detail .stack", { hasText: "fetch.c:88" }).waitFor();
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    assert.match(await focused(), /^GET \/page\/\{id\} {2}×\d/);
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-expanded")), "false");
    await leave(page, url);
  },

  async "a large tree is unfolded in pieces"(url) {
    await tell(url, { tasks: 14 * 1500 });
    const page = await open(url);
    await page.locator("#tasks").scrollIntoViewIfNeeded();
    await page.locator("[role=treeitem]", { hasText: "main" }).locator(".twist").click();
    const group = page.locator("[role=treeitem]", { hasText: /×1.28/ });
    await group.waitFor();
    assert.ok((await page.locator("[role=treeitem]").count()) < 250);
    await group.click();
    await page.locator("[role=treeitem]", { hasText: "Show more" }).first().waitFor();
    assert.ok((await page.locator("[role=treeitem]").count()) < 350);
    await tell(url, { tasks: 60 });
    await leave(page, url);
  },

  async "outliers are listed, and show where their time went"(url) {
    const page = await open(url);
    const card = page.locator("#outliers-list .card", { hasText: "/page/{id}" }).first();
    await card.waitFor();
    assert.match(await card.textContent(), /\/page\/\{id\} took 312 ms, mostly orders/);
    await card.locator("summary").focus();
    await page.keyboard.press("Enter");
    await card.locator(".stack li", { hasText: "report.c:118" }).waitFor();
    const said = await card.textContent();
    for (const words of ["slower than 99.9 % of its route, 121 ms", "held 22.4 ms by GET /report", "hedge 41ms lost", "deadline exceeded", "3 of 64 queued", "37f71d1080e6c86efceb7d3604c37f57"])
      assert.ok(said.includes(words), `${words}: ${said}`);
    const polls = polled(page, "/outliers");
    await polls;
    assert.ok(await card.locator("details").evaluate((details) => details.open));
    for (const theme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: theme });
      assert.deepEqual(await page.evaluate(contrast), []);
    }
    const long = page.locator("#outliers-list .card", { hasText: "took 1" }).filter({ hasText: "a-backend" });
    await long.locator("summary").click();
    await long.locator(".stack li").first().waitFor();
    for (const width of [360, 768, 1280]) {
      await resize(page, width);
      assert.deepEqual(await page.evaluate(sideways, width), []);
    }
    await leave(page, url);
  },

  async "structure and contrast hold in both themes"(url) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await open(url, { colorScheme, reducedMotion: "reduce" });
      await page.locator("#tasks").scrollIntoViewIfNeeded();
      await page.locator("[role=treeitem]").first().waitFor();
      await page.click("#profile-record");
      await page.locator(".frame").first().waitFor();
      await page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));
      assert.deepEqual(await page.evaluate(structure), []);
      assert.deepEqual(await page.evaluate(contrast), []);
      const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const before = await ground();
      const other = colorScheme === "light" ? "dark" : "light";
      while ((await textOf(page, "#theme")) !== `Theme: ${other}`) await page.click("#theme");
      assert.notEqual(await ground(), before);
      assert.deepEqual(await page.evaluate(contrast), []);
      assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector(".card")).animationName), "none");
      await page.reload();
      await page.locator('body[data-state="live"]').waitFor();
      assert.equal(await textOf(page, "#theme"), `Theme: ${other}`);
      await leave(page, url);
    }
  },

  async "nothing sticks out on a phone"(url) {
    const page = await open(url, { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
    await page.locator("#routes-table tbody tr").first().waitFor();
    await page.locator("#tasks").scrollIntoViewIfNeeded();
    await page.locator("[role=treeitem]", { hasText: "main" }).locator(".twist").tap();
    await page.locator("[role=treeitem]", { hasText: "<script>" }).tap();
    await page.locator("#tasks .detail .stack li").first().waitFor();
    await page.click("#profile-record");
    await page.locator(".frame").first().waitFor();
    await page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));
    assert.deepEqual(await page.evaluate(sideways, 360), []);
    await resize(page, 820);
    assert.deepEqual(await page.evaluate(sideways, 820), []);
    await leave(page, url);
  },

  async "charts that are not drawn anew make the page no wider"(url) {
    const page = await open(url, { observes: false });
    await page.locator(".plot svg[viewBox]").first().waitFor();
    for (const width of [1280, 360]) {
      await resize(page, width);
      assert.deepEqual(await page.evaluate(sideways, width), []);
    }
    await leave(page, url);
  },

  async "what is not there is not shown, and what is empty says what it is for"() {
    const { process, url } = await fake("--quiet", "--without", "/advice,/profile,/guard,pools");
    const page = await open(url, { lacks: ["/advice", "/profile", "/guard"] });
    await page.locator("#stalls-list .empty", { hasText: "A stall is a task that holds its loop" }).waitFor();
    await page.locator("#origins-table .empty").waitFor();
    for (const id of ["pools", "backends", "tls", "advice", "profile"]) {
      assert.equal(await page.isVisible(`#${id}`), false, id);
      assert.equal(await page.isVisible(`#jump a[href="#${id}"]`), false, id);
    }
    assert.deepEqual(await page.evaluate(structure), []);
    await leave(page, url);
    await end({ process });
  },

  async "it stops asking while nobody looks, and while it is told to"(url) {
    const page = await open(url);
    const look = (hidden) => page.evaluate((value) => {
      Object.defineProperty(document, "hidden", { value, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
    const asked = async () => {
      await page.waitForTimeout(300); // until requests in progress have ended
      const before = page.requests.length;
      await page.waitForTimeout(1200);
      return page.requests.length - before;
    };
    await look(true);
    assert.equal(await asked(), 0);
    await Promise.all([polled(page, "/stats"), look(false)]);
    await page.click("#pause");
    assert.equal(await textOf(page, "#state-text"), "Paused");
    assert.equal(await asked(), 0);
    await Promise.all([polled(page, "/stats"), page.click("#pause")]);
    await leave(page, url);
  },

  async "a gateway that goes away is said to, and found again"() {
    const port = await quietPort();
    let started = await gateway(`127.0.0.1:${port}`);
    const page = await open(started.url);
    page.expected = true;
    await end(started);
    await page.locator('body[data-state="lost"]').waitFor();
    assert.match(await textOf(page, "#lost-text"), /does not answer.*figures below are from \d\d:.*(Next try in \d+ s|Trying)/);
    await until(page, () => document.getElementById("announce").textContent.includes("does not answer"));
    assert.equal(await textOf(page, "#state-text"), "No answer");
    started = await gateway(`127.0.0.1:${port}`);
    await page.evaluate(() => document.getElementById("retry").click()); // the page may have reconnected already
    await page.locator('body[data-state="live"]').waitFor();
    assert.equal(await page.isVisible("#lost"), false);
    await until(page, () => document.getElementById("announce").textContent.includes("answers again"));
    page.expected = false;
    await polled(page, "/stats");
    await leave(page, started.url);
    await end(started);
  },

  async "it waits longer after each failure, and recovers by itself"(url) {
    const page = await open(url);
    page.expected = true;
    await tell(url, { broken: true });
    await until(page, () => /\/stats answers 500.*Next try in 2 s/.test(document.getElementById("lost-text").textContent));
    await tell(url, { broken: false, draining: true });
    await page.locator('body[data-state="draining"]').waitFor();
    assert.equal(await textOf(page, "#state-text"), "Draining");
    await tell(url, { draining: false });
    await page.locator('body[data-state="live"]').waitFor();
    await leave(page, url);
  },
};

// ---- as TAP ----

const { browser: found, end: close, missing } = await launch();
if (missing) {
  console.log(`1..1\nok 1 - the dashboard in a browser # SKIP ${missing}`);
  process.exit(0);
}
browser = found;
const names = Object.keys(cases).filter((name) => name.includes(process.argv[2] ?? ""));
const waiting = [...names];
let failed = 0;
let number = 0;
console.log(`1..${names.length}`);

// Each worker runs one case after the other, with a simulated address of its own.
async function worker() {
  const { url } = await fake();
  for (let name = waiting.shift(); name; name = waiting.shift()) {
    const began = Date.now();
    const problem = await cases[name](url).then(() => null, (thrown) => thrown);
    failed += problem ? 1 : 0;
    console.log(`${problem ? "not ok" : "ok"} ${++number} - ${name}\n# ${Date.now() - began} ms`);
    if (problem) console.log(String(problem.stack ?? problem).replace(/^/gm, "# "));
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, worker));
await close();
endAll();
rmSync(directory, { recursive: true });
process.exit(failed ? 1 : 0);
