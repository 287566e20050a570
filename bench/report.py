# SPDX-License-Identifier: Apache-2.0
"""What was measured, as rows of a table: text, JSON, Markdown, a chart."""
import json
import os
import platform

import work

ONE_THREAD = {"calling thread", "one thread"}  # modes of contenders


def row(case, contenders, absent, limit, options):
    """`contenders` are results by name, plugcl's first; `limit` is the probe's median, in GFLOP/s or GB/s."""
    ours = contenders["plugcl"]["median_us"]
    others = {name: result["median_us"] for name, result in contenders.items() if name in options.peers}
    best = min(others, key=others.get) if others else None
    flops, moved = work.flops(case), work.bytes_moved(case)
    reached = flops[1] / ours / 1e3 if flops else moved / ours / 1e3
    return {"case": case, "contenders": contenders, "absent": absent, "threads": options.threads, "rounds": options.rounds,
            "memory": options.memory, "apart_ms": options.apart, "best_peer": best, "ratio": others[best] / ours if best else None,
            "unit": "GFLOP/s" if flops else "GB/s", "reached": reached, "nominal": flops[0] / ours / 1e3 if flops else None,
            "limit": limit, "share": reached / limit}


def milliseconds(microseconds):
    return f"{microseconds / 1000:.3g}" if microseconds < 1e6 else f"{microseconds / 1000:.0f}"


def spread(result):
    return "-".join(milliseconds(quartile) for quartile in result["quartiles_us"])


def has_goal(row):
    """Whether there is something to judge: a row that tells what a call costs has no goal."""
    return row["ratio"] is not None and "goal" in row["case"]


def is_met(row):
    return row["ratio"] >= row["case"]["goal"]


def verdict(row):
    """The goal of the ratio, and whether it is met."""
    if row["ratio"] is None:
        return "no peer took part"
    judgement = f", goal {row['case']['goal']}: " + ("met" if is_met(row) else "MISSED") if has_goal(row) else ""
    return f"{row['ratio']:.2f}x {row['best_peer']}" + judgement


def share(row):
    nominal = f" ({row['nominal']:.0f} nominal)" if row["nominal"] and round(row["nominal"]) != round(row["reached"]) else ""
    goal = row["case"].get("limit")
    aim = f", goal {100 * goal:.0f} %" if goal else ""
    return f"{row['reached']:.0f} {row['unit']}{nominal} = {100 * row['share']:.0f} % of {row['limit']:.0f}{aim}"


def text(row):
    """One row for the terminal."""
    lines = [f"{row['case']['name']}: {verdict(row)}; {share(row)}"]
    for name, result in row["contenders"].items():
        mode = f", {result['mode']}" if "mode" in result else ""
        against = result["median_us"] / row["contenders"]["plugcl"]["median_us"]
        lines.append(f"    {name:12} {milliseconds(result['median_us']):>7} ms ({spread(result)})  {against:.2f} "
                     f" [{result['version']}{mode}]")
    lines += [f"    {name:12} not there: {reason}" for name, reason in row["absent"].items()]
    return "\n".join(lines)


def goals(rows):
    """What was missed, by how much."""
    judged = [row for row in rows if has_goal(row)]
    missed = [row for row in judged if not is_met(row)]
    ahead = sum(row["ratio"] >= 1 for row in judged)
    lines = [f"{len(judged) - len(missed)} of {len(judged)} goals of the ratio are met; as fast as the best peer or faster in {ahead}"]
    alone = sum(row["ratio"] is None for row in rows)
    if alone:
        lines.append(f"{alone} rows had no peer")
    lines += [f"    {row['case']['name']}: {row['ratio']:.2f} of {row['case']['goal']} ({row['best_peer']})" for row in missed]
    return "\n".join(lines)


def processor():
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def cell(row, name):
    """A contender that has nothing to do with a row is blank; of one that was to take part and could not, it says so."""
    if name in row["contenders"]:
        result = row["contenders"][name]
        return milliseconds(result["median_us"]) + ("¹" if ONE_THREAD & set(result.get("mode", "").split(", ")) else "")
    return "failed" if name in row["absent"] else ""


def failures(rows):
    return [f"- {row['case']['name']}: {name}: {reason}" for row in rows for name, reason in row["absent"].items()]


def markdown(rows):
    """The table of docs/benchmarks.md."""
    names = list(dict.fromkeys(name for row in rows for name in row["contenders"]))
    versions = {name: next(row["contenders"][name]["version"] for row in rows if name in row["contenders"]) for name in names}
    lines = [f"{processor()}, {rows[0]['threads']} threads, {rows[0]['contenders']['plugcl']['device']}; "
             + ", ".join(f"{name} {versions[name]}" for name in names) + f"; {rows[0]['rounds']} rounds, runs "
             + (f"{rows[0]['apart_ms']} ms apart." if rows[0]["apart_ms"] else "back to back."), "",
             "| row | " + " | ".join(names) + " | best peer | ratio (goal) | plugcl reaches | of the limit (goal) |",
             "|---|" + "---:|" * len(names) + "---|---:|---:|---:|"]
    for row in rows:
        cells = [cell(row, name) for name in names]
        cells[0] += f" ({spread(row['contenders']['plugcl'])})"
        limit = row["case"].get("limit")
        ratio = f"{row['ratio']:.2f}" + (f" ({row['case']['goal']})" if has_goal(row) else "") if row["ratio"] else ""
        aim = f" ({100 * limit:.0f} %)" if limit else ""
        lines.append(f"| {row['case']['name']} | " + " | ".join(cells) + f" | {row['best_peer'] or ''} | {ratio} | "
                     f"{row['reached']:.0f} {row['unit']} | {100 * row['share']:.0f} %{aim} |")
    lines += ["", "¹ with one thread, which was faster."]
    lines += ["", "Failed:", "", *failures(rows)] if failures(rows) else []
    return "\n".join(lines) + "\n"


def chart(rows, path):
    """A bar for each row: how many times the best peer's time is ours, with a mark at the goal."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    rows = [row for row in rows if has_goal(row)][::-1]
    figure, axes = pyplot.subplots(figsize=(8, 1 + 0.2 * len(rows)))
    places = range(len(rows))
    axes.barh(places, [row["ratio"] for row in rows], color=["#4477aa" if is_met(row) else "#cc6677"
                                                             for row in rows])
    axes.plot([row["case"]["goal"] for row in rows], places, "k|", label="goal")
    axes.set_yticks(places, [f"{row['case']['name']} ({row['best_peer']})" for row in rows], fontsize=6)
    axes.axvline(1, color="grey", linewidth=0.5)
    axes.set_ylim(-1, len(rows))
    axes.set_xlabel("best peer's time / plugcl's time (higher is better)")
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def write(options, rows):
    """All files that were asked for, with the rows so far."""
    if options.json:
        about = {"processor": processor(), "system": platform.platform(),
                 "devices": os.environ.get("POCL_DEVICES"), "rows": rows}
        options.json.write_text(json.dumps(about, indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(markdown(rows))
    if options.chart and len(rows) > 0:
        chart(rows, options.chart)
