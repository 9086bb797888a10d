// SPDX-License-Identifier: MIT
// browse.mjs URL FUNCTION: opens a page in the browser of the end-to-end tests, runs the function in it and prints its result.
import { launch } from "../e2e/browser/browser.mjs";

const [url, text] = process.argv.slice(2);
const { browser, end, missing } = await launch();
if (missing) throw new Error(missing);
try {
  const page = await browser.newPage();
  await page.goto(url);
  console.log(await page.evaluate(`(${text})()`));
} finally {
  await end();
}
