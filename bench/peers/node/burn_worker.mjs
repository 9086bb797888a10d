// SPDX-License-Identifier: MIT
// What burn.mjs offloads: units of work of a fixed size; or how many milliseconds of CPU one takes, the best of several.
const STEPS = 100_000;

function unit(value) {
  for (let i = 0; i < STEPS; i++) value = (Math.imul(value, 1664525) + 1013904223) | 0;
  return value;
}

function calibrate() {
  let best = Infinity;
  for (let round = 0, value = 1; round < 12; round++) {
    const before = performance.now();
    for (let i = 0; i < 50; i++) value = unit(value);
    best = Math.min(best, (performance.now() - before) / 50 + (value === 0.5 ? 1 : 0));
  }
  return best;
}

export default function burn({ units, calibrate: wanted }) {
  if (wanted) return calibrate();
  let value = 1;
  for (let i = 0; i < units; i++) value = unit(value);
  return value;
}
