# SPDX-License-Identifier: MIT
"""Medians, ratios, the table and the JSON."""
import statistics


def summarize(row, figures):
    """figures: {subject: [value of each round or None]}. Ratios are of Weir's figure to the peer's in the same round."""
    out = {"row": row.name, "about": row.about, "unit": row.unit, "baseline": row.baseline, "subjects": []}
    for name, values in figures.items():
        got = [v for v in values if v is not None]
        if not got:
            continue
        entry = {"name": name, "median": statistics.median(got), "least": min(got), "most": max(got), "rounds": len(got)}
        base = figures.get(row.baseline, [])
        ratios = [v / b for v, b in zip(values, base) if v is not None and b]
        if ratios and name != row.baseline:
            entry["ratio"] = statistics.median(ratios)
            entry["ratio_least"], entry["ratio_most"] = min(ratios), max(ratios)
        if name in row.targets:
            reach, after = row.targets[name]
            entry["reach"], entry["after"] = reach, after
            reached = entry.get("ratio") if row.baseline else entry["median"]
            entry["reached"] = None if reached is None else reached <= reach
            if row.at_most is not None and entry["median"] > row.at_most:
                entry["reached"] = False
            entry["at_most"] = row.at_most
        out["subjects"].append(entry)
    return out


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" if value < 1 else f"{value:.1f}"


def table(summary):
    """Returns the lines of text of one row."""
    base = summary["baseline"]
    lines = ["", f"{summary['row']}: {summary['about']} ({summary['unit']}, median of rounds)"]
    lines.append(f"  {'':18} {'median':>10} {'least–most':>17}  {'× ' + base if base else ''}")
    for s in summary["subjects"]:
        spread = f"{number(s['least'])}–{number(s['most'])}"
        text = f"  {s['name']:18} {number(s['median']):>10} {spread:>17}  "
        if "ratio" in s:
            text += f"{s['ratio']:.2f} ({s['ratio_least']:.2f}–{s['ratio_most']:.2f})"
        if "reach" in s:
            verdict = {True: "reached", False: "not reached", None: f"needs {base}"}[s["reached"]]
            after = f", after {number(s['after'])}" if s["after"] else ""
            bound = f" and {s['at_most']}" if s["at_most"] else ""
            text += f"  to reach {number(s['reach'])}{bound}{after}: {verdict}"
        lines.append(text.rstrip())
    lines += [f"  without its peer: {words}" for words in summary.get("without", [])]
    return "\n".join(lines)
