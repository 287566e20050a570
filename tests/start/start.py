#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts programs from nothing to their first result.

start.py DRIVER FIRST_RESULT             a test: a second start compiles nothing and computes the same
start.py --measure DRIVER FIRST_RESULT   prints a table of milliseconds, with all caches empty and with plugcl's own kept

A start is a process of its own with folders of its own for plugcl's cache and for those of the drivers. `driver` does what every
OpenCL program begins with; the times above it are plugcl's own.
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

PLUGINS = ["se", "cbam", "nonlocal", "aspp", "stn"]


class Caches:
    """plugcl's folder, and beside it those of the drivers, which are emptied before each start."""

    def __init__(self, folder):
        self.own, self.drivers, self.starts = pathlib.Path(folder) / "own", pathlib.Path(folder) / "drivers", 0

    def start(self, *command):
        self.starts += 1
        driver = self.drivers / str(self.starts)
        for path in (self.own, driver):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = dict(os.environ, XDG_CACHE_HOME=str(self.own), POCL_CACHE_DIR=str(driver))
        found = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True, timeout=280)
        return json.loads(found.stdout)


def check(driver, first_result):
    for case in ("se", "stn"):
        with tempfile.TemporaryDirectory() as folder:
            caches = Caches(folder)
            cold, warm = (caches.start(first_result, case, "gpu,cpu") for _ in range(2))
        print(case, cold, warm, sep="\n")
        if cold["compiled"] == 0 or cold["loaded"] != 0:
            sys.exit(f"{case}: the first start loads {cold['loaded']} programs from an empty cache")
        if warm["compiled"] != 0 or warm["loaded"] == 0:
            sys.exit(f"{case}: the second start compiles {warm['compiled']} programs")
        if warm["sum"] != cold["sum"]:
            sys.exit(f"{case}: the second start computes {warm['sum']}, the first {cold['sum']}")


def measure(driver, first_result, cases):
    starts = 3
    with tempfile.TemporaryDirectory() as folder:
        floor = statistics.median(Caches(folder).start(driver)["total_ms"] for _ in range(starts))
    print(f"the driver alone, to a queue: {floor:.1f} ms\n")
    print(f"{'ms':10} {'programs':>8} {'cold':>9} {'warm':>8} {'above the driver':>17}   warm: context, graph, plan, run; peak MiB")
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            caches = Caches(folder)
            cold = caches.start(first_result, case)
            warm = [caches.start(first_result, case) for _ in range(starts)]
        total = statistics.median(start["total_ms"] for start in warm)
        parts = ", ".join("%.1f" % statistics.median(start[part + "_ms"] for start in warm)
                          for part in ("context", "graph", "plan", "run"))
        print(f"{case:10} {cold['compiled']:8} {cold['total_ms']:9.1f} {total:8.1f} {total - floor:17.1f}   {parts}; "
              f"{warm[0]['peak_kib'] / 1024:.0f}", flush=True)


def main():
    arguments = sys.argv[1:]
    if arguments and arguments[0] == "--measure":
        measure(arguments[1], arguments[2], arguments[3:] or PLUGINS + ["demo"])
    else:
        check(*arguments)


if __name__ == "__main__":
    main()
