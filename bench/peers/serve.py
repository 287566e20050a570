# SPDX-License-Identifier: Apache-2.0
"""What every contender in Python does: choose the fastest way, say what it is, then time one round for each line on stdin."""
import json
import os
import statistics
import sys
import time
from functools import partial

from fastest import fastest
from values import summary

ROUND_SECONDS = 0.02


def median_microseconds(run, seconds=ROUND_SECONDS):
    times, apart, begun = [], float(os.environ.get("APART_MS", 0)) / 1000, time.perf_counter()
    now = begun
    while now - begun < seconds and len(times) < 4096:
        if apart:
            time.sleep(apart)
        start = time.perf_counter()
        run()
        now = time.perf_counter()
        times.append(now - start)
    return statistics.median(times) * 1e6


def memory_kib(field):
    """VmRSS: in memory now; VmHWM: at most so far."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field))


def tell_first(version, make):
    """How long and how much memory it takes to come to a first result, with libraries and inputs in memory already."""
    before, start = memory_kib("VmRSS"), time.perf_counter()
    run = make()
    first_ms, peak = (time.perf_counter() - start) * 1000, memory_kib("VmHWM")
    print(json.dumps({"version": version, "first_ms": first_ms, "before_kib": before, "peak_kib": peak,
                      "check": summary(run())}), flush=True)


def serve(version, makers):
    """`makers`: {name: function}, each of which prepares one way of doing the case, runs it once and returns a function that does
    the whole work, host data in and out, and returns the result. With FIRST in the environment the first of them tells of its
    first result."""
    if "FIRST" in os.environ:
        tell_first(version, next(iter(makers.values())))
        return
    ways = {name: run for name, run in ((name, make()) for name, make in makers.items()) if run is not None}
    mode = fastest({name: partial(median_microseconds, run) for name, run in ways.items()})
    run = ways[mode]
    print(json.dumps({"version": version, "mode": mode, "check": summary(run())}), flush=True)
    for line in sys.stdin:
        print(f"{median_microseconds(run, float(line) / 1000 if line.strip() else ROUND_SECONDS):.3f}", flush=True)
