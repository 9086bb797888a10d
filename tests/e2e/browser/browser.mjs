// SPDX-License-Identifier: MIT
// Debian's Chromium, driven by playwright-core, which comes from npm into the build directory at the first run.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
export const root = resolve(here, "../../..");
export const build = resolve(root, process.env.BUILD ?? "build");
const chromium = "/usr/bin/chromium";
const arguments_ = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding"];

function install(folder) {
  const lock = join(folder, "package-lock.json");
  const wanted = readFileSync(join(here, "package-lock.json"), "utf8");
  if (existsSync(lock) && readFileSync(lock, "utf8") === wanted && existsSync(join(folder, "node_modules/playwright-core/package.json"))) return;
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(here, "package.json"), join(folder, "package.json"));
  copyFileSync(join(here, "package-lock.json"), lock);
  execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1", "--fetch-timeout=15000"],
    { cwd: folder, stdio: "pipe", timeout: 40_000, env: { ...process.env, npm_config_update_notifier: "false" } });
}

// Returns {browser, end}, or {missing: the reason}.
export async function launch() {
  if (!existsSync(chromium)) return { missing: "chromium is not installed" };
  const folder = join(build, "browser");
  try {
    install(folder);
  } catch (problem) {
    rmSync(join(folder, "package-lock.json"), { force: true }); // so that the next run tries again
    const why = problem.code === "ENOENT" ? "npm is not installed" : "no npm registry could be reached";
    return { missing: `${why}, so there is no playwright-core` };
  }
  const { chromium: driver } = createRequire(join(folder, "package.json"))("playwright-core");
  const profile = mkdtempSync(join(tmpdir(), "weir-chromium-"));
  const browser = await driver.launch({ executablePath: chromium, args: arguments_, env: { ...process.env, HOME: profile, XDG_CONFIG_HOME: profile, XDG_CACHE_HOME: profile } });
  return { browser, end: async () => {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  } };
}

// Gives the page another size and returns when its layout has settled: the styles of that width hold, and a whole frame has passed since,
// in which observers of sizes (ResizeObserver) have been called. Their calls come after the callbacks of a frame, so the next frame's tell.
export async function resize(page, width, height = 900) {
  await page.setViewportSize({ width, height });
  await page.waitForFunction((wanted) => matchMedia(`(width: ${wanted}px)`).matches, width);
  await page.evaluate(() => new Promise((settled) => requestAnimationFrame(() => requestAnimationFrame(settled))));
}
