#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmark still works: every case has a plan, plugcl answers, the driver writes its table. Needs no peer.

usage: bench_test.py CONTENDER
"""
import importlib.machinery
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

BENCH = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(BENCH))
import contenders  # noqa: E402
import report      # noqa: E402
import work        # noqa: E402
from peers.fastest import fastest  # noqa: E402

CONTENDER = pathlib.Path(sys.argv.pop(1)).resolve()
SMALL = {"gemm": {"rows": 24, "columns": 40, "depth": 56}, "se": {"batch": 2, "channels": 32, "size": 7},
         "conv": {"batch": 1, "channels": 8, "outputs": 16, "size": 9, "kernel": 3, "layout": "nhwc"}}


def compare(*arguments):
    return subprocess.run([BENCH / "compare", *map(str, arguments)], capture_output=True, text=True)


class Cases(unittest.TestCase):
    def test_names_are_unique_and_begin_with_their_topic(self):
        names = []
        for topic in work.TOPICS:
            found = json.loads((work.FOLDER / f"{topic}.json").read_text())
            self.assertTrue(all(case["name"].startswith(f"{topic}/") for case in found), topic)
            names += [case["name"] for case in found]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(sorted(f"{topic}.json" for topic in work.TOPICS), sorted(path.name for path in work.FOLDER.iterdir()))

    def test_every_case_has_a_goal_and_work(self):
        for case in work.cases():
            if not case["name"].startswith("calls/"):
                self.assertGreater(case["goal"], 0, case["name"])
            self.assertGreater((work.flops(case) or [work.bytes_moved(case)])[-1], 0, case["name"])

    def test_valid_taps_leave_padding_out(self):
        self.assertEqual(work.valid_taps(5, 3, 1, 1), 13)          # 3 · 5 less one at each edge
        self.assertEqual(work.valid_taps(5, 3, 2, 1), 7)           # pixels 0, 2, 4
        self.assertEqual(work.valid_taps(28, 3, 1, 36), 28)        # the middle tap alone
        self.assertEqual(work.conv_flops(2, 3, 5, 3), (2 * 6 * 225, 2 * 6 * 169))

    def test_patterns(self):
        self.assertEqual([case["name"] for case in work.cases(["gemm/256"])], ["gemm/256"])
        self.assertEqual(len(work.cases(["stn/"])), len(work.cases(["stn/*"])))
        self.assertEqual(work.cases(["nothing"]), [])

    def test_every_case_has_a_plan(self):
        files = [work.FOLDER / f"{topic}.json" for topic in work.TOPICS]
        done = subprocess.run([CONTENDER, "plan", *files], capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.stdout.split(), [case["name"] for case in work.cases()])


class Contenders(unittest.TestCase):
    def test_small_cases_answer(self):
        for kind, sizes in SMALL.items():
            host = contenders.Contender("host", [CONTENDER, json.dumps({"kind": kind, **sizes})])
            device = contenders.Contender("device", [CONTENDER, json.dumps({"kind": kind, **sizes, "memory": "device"})])
            for contender in (host, device):
                contender.round()
                contender.close()
                self.assertGreater(contender.median, 0, kind)
            self.assertGreater(host.about["check"][1], 0, kind)
            self.assertEqual(host.about["check"], device.about["check"], kind)

    def test_weights_of_a_file_are_the_made_up_ones(self):
        case = {"kind": "bottlenecks", "plugin": "se", "blocks": 1, "batch": 1, "channels": 64, "size": 5}
        with tempfile.TemporaryDirectory() as folder:
            file = f"{folder}/model.safetensors"
            subprocess.run([CONTENDER, "weights", json.dumps(case), file], check=True)
            both = [contenders.Contender("one", [CONTENDER, json.dumps(each)]) for each in (case, {**case, "weights": file})]
        for contender in both:
            contender.close()
        self.assertEqual(both[0].about["check"], both[1].about["check"])

    def test_probes_answer(self):
        for what in (["fma", "cpu", 1], ["copy", "cpu", 1, 65536]):
            probe = contenders.Contender(what[0], [CONTENDER, *what])
            probe.round()
            probe.close()
            self.assertGreater(probe.median, 0.01)

    def test_wrong_cases_are_refused(self):
        for case, message in (('{"kind": "sort"}', 'there is no kind of case "sort"'), ("{", "the case is not JSON"),
                              ('{"kind": "gemm", "rows": "4"}', '"rows" must be a whole number')):
            with self.assertRaises(contenders.Absent) as caught:
                contenders.Contender("wrong", [CONTENDER, case])
            self.assertIn(message, str(caught.exception))


class Choice(unittest.TestCase):
    def test_one_lucky_round_decides_nothing(self):
        lucky = iter([20.0, 20.0, 1.0] + [20.0] * 20)
        self.assertEqual(fastest({"lucky": lambda seconds: next(lucky), "steady": lambda seconds: 15.0}), "steady")

    def test_the_first_round_of_each_does_not_count(self):
        figures = {"warms up": [90.0] + [10.0] * 3, "even": [20.0] * 4}
        ways = {name: lambda seconds, each=iter(taken + taken[-1:] * 20): next(each) for name, taken in figures.items()}
        self.assertEqual(fastest(ways), "warms up")

    def test_one_way_is_not_timed(self):
        self.assertEqual(fastest({"only": None}), "only")

    def test_long_runs_take_fewer_turns(self):
        taken = []
        self.assertEqual(fastest({name: lambda seconds, name=name: taken.append(name) or time.sleep(0.1) or 1.0
                                  for name in ("a", "b")}), "a")
        self.assertEqual(taken, ["a", "b"] * 4)


class Driver(unittest.TestCase):
    def test_a_row_from_end_to_end(self):
        with tempfile.TemporaryDirectory() as folder:
            table, data = pathlib.Path(folder) / "table.md", pathlib.Path(folder) / "all.json"
            done = compare("--only", "se/512@14b1", "--peers", "none", "--rounds", 2, "--build", CONTENDER.parent.parent,
                           "--markdown", table, "--json", data)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("se/512@14b1", done.stdout)
            row = json.loads(data.read_text())["rows"][0]
            self.assertGreater(row["reached"], 0)
            self.assertIsNone(row["ratio"])
            self.assertIn("| se/512@14b1 |", table.read_text())

    def test_a_profile_has_every_step(self):
        done = compare("--only", "nonlocal/64@28b1", "--profile", "--peers", "none", "--build", CONTENDER.parent.parent)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        name, _, *steps, total = done.stdout.splitlines()
        self.assertEqual(name, "nonlocal/64@28b1")
        self.assertIn("attention", steps[-1])
        sums = sum(float(figure) for step in steps for figure in step.split()[:2])
        self.assertAlmostEqual(float(total.split()[0]), sums, delta=0.1 * len(steps) + 0.1)

    def test_a_reader_may_leave_the_list(self):
        listing = subprocess.Popen([BENCH / "compare", "--list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        listing.stdout.close()
        self.assertEqual(listing.stderr.read(), b"")
        listing.stderr.close()
        listing.wait()

    def test_a_start_from_end_to_end(self):
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder) / "all.json"
            done = subprocess.run([BENCH / "startup", "--only", "stn/3@224b1", "--peers", "none", "--rounds", "1", "--build",
                                   CONTENDER.parent.parent, "--json", data], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("plugcl's own", done.stdout)
            ours = json.loads(data.read_text())[0]["plugcl"]
            self.assertEqual((ours["cold"]["loaded"], ours["warm"]["compiled"]), (0, 0))
            self.assertLess(ours["heap_kib"] or 0, 1024)

    def test_the_best_peer_decides(self):
        options = type("Options", (), {"peers": ["torch", "ncnn"], "threads": 2, "rounds": 3, "memory": "host", "apart": 0})
        results = {name: {"median_us": time, "quartiles_us": [time, time], "version": "1"}
                   for name, time in (("plugcl", 10.0), ("torch", 15.0), ("ncnn", 12.0))}
        row = report.row(work.cases(["gemm/256"])[0], results, {}, 500.0, options)
        self.assertEqual((row["best_peer"], row["ratio"]), ("ncnn", 1.2))
        self.assertAlmostEqual(row["share"], 2 * 256 ** 3 / 10.0 / 1e3 / 500.0)
        self.assertIn("met", report.verdict(row))

    def test_a_peer_that_ends_in_the_middle_leaves_the_row(self):
        ends = contenders.Contender("ends", ["sh", "-c", "echo '{}'; read line; echo 5; echo lost >&2"])
        stays = contenders.Contender("stays", ["sh", "-c", "echo '{}'; while read line; do echo 7; done"])
        loader = importlib.machinery.SourceFileLoader("compare", str(BENCH / "compare"))
        driver = importlib.util.module_from_spec(importlib.util.spec_from_loader("compare", loader))
        loader.exec_module(driver)
        others, absent = [ends], {}
        driver.take_turns(3, stays, others, stays, absent)
        stays.close()
        self.assertEqual((others, absent, len(stays.figures)), ([], {"ends": "lost"}, 6))

    def test_a_peer_that_failed_says_so(self):
        row = {"contenders": {"torch": {"median_us": 2000.0, "mode": "nchw, one thread"}}, "absent": {"ncnn": "no model"}}
        self.assertEqual([report.cell(row, name) for name in ("torch", "ncnn", "onednn")], ["2¹", "failed", ""])

    def test_wrong_options_are_refused(self):
        for arguments, message in ((["--only", "nothing"], "no row is nothing"), (["--peers", "caffe"], "there is no caffe"),
                                   (["--rounds", "0"], "--rounds: at least 1"), (["--threads", "0"], "--threads: at least 1"),
                                   (["--also", "torch=build"], "the name of a contender already"),
                                   (["--also", "old=/nowhere"], "there is no /nowhere/bench/contender"),
                                   (["--json", "/nowhere/all.json"], "--json: there is no folder /nowhere"),
                                   (["--profile", "--json", "all.json"], "--profile prints steps and no table"),
                                   (["--python", "/nowhere/python"], "--python: there is no /nowhere/python"),
                                   (["--build", "/nowhere", "--peers", "none"], "--build: there is no /nowhere/bench/contender")):
            done = compare(*arguments)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(message, done.stderr)


if __name__ == "__main__":
    unittest.main()
