# SPDX-License-Identifier: Apache-2.0
"""What every contender in Python does: choose the fastest way, say what it is, then time one round for each line on stdin."""
import json
import statistics
import sys
import time

from values import summary

ROUND_SECONDS = 0.02


def median_microseconds(run, seconds=ROUND_SECONDS):
    times, begun = [], time.perf_counter()
    now = begun
    while now - begun < seconds and len(times) < 4096:
        start = now
        run()
        now = time.perf_counter()
        times.append(now - start)
    return statistics.median(times) * 1e6


def fastest(ways):
    """The name of the fastest of {name: run}, each timed three times in turn."""
    best = dict.fromkeys(ways, float("inf"))
    for run in ways.values():
        run()
        run()
    for _ in range(3 if len(ways) > 1 else 0):
        for name, run in ways.items():
            best[name] = min(best[name], median_microseconds(run))
    return min(best, key=best.get)


def serve(version, ways):
    """Each of `ways`, {name: function}, does the whole work, host data in and out, and returns the result."""
    mode = fastest(ways)
    run = ways[mode]
    print(json.dumps({"version": version, "mode": mode, "check": summary(run())}), flush=True)
    for _ in sys.stdin:
        print(f"{median_microseconds(run):.3f}", flush=True)
