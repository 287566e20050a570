#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The plugcl command from outside: results, exit statuses, one-line errors, files whole or not at all.

usage: tool_test.py PATH-OF-PLUGCL [unittest arguments]
"""
import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

import files

PLUGCL = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "plugcl"
CHANNELS, HIDDEN = 8, 2
SHAPE = (2, CHANNELS, 5, 7)
DRIVER_LINE = re.compile(r"MESA: |.*for shader cache")  # Mesa's own, on standard error


class ToolTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.TemporaryDirectory(prefix="plugcl-tool-")
        cls.environment = dict(os.environ, XDG_CACHE_HOME=os.path.join(cls.home.name, "cache"), HOME=cls.home.name)

    @classmethod
    def tearDownClass(cls):
        cls.home.cleanup()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="case-", dir=self.home.name)
        self.x = files.floats(SHAPE, 1)
        self.first = files.floats((HIDDEN, CHANNELS), 2)
        self.second = files.floats((CHANNELS, HIDDEN), 3)
        self.tensors = {"net.se.fc.0.weight": ((HIDDEN, CHANNELS), self.first),
                        "net.se.fc.2.weight": ((CHANNELS, HIDDEN), self.second),
                        "net.se0.fc.0.weight": ((3, 3), files.floats((3, 3), 4))}
        self.write("w.safetensors", files.safetensors_bytes(self.tensors))
        self.write("x.npy", files.npy_bytes(SHAPE, self.x))

    def tearDown(self):
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)

    def call(self, *arguments, **environment):
        result = subprocess.run([PLUGCL, *arguments], cwd=self.folder.name, capture_output=True, text=True, timeout=120,
                                env=dict(self.environment, **environment))
        result.stderr = "".join(line for line in result.stderr.splitlines(True) if not DRIVER_LINE.match(line))
        return result

    def succeed(self, *arguments, **environment):
        result = self.call(*arguments, **environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        for line in result.stderr.splitlines():
            self.assertTrue(line.startswith("note: "), line)
        return result

    def fail_with(self, status, part, *arguments, **environment):
        """One line on standard error, nothing on standard output, no new file."""
        before = sorted(os.listdir(self.folder.name))
        result = self.call(*arguments, **environment)
        self.assertEqual(result.returncode, status, (arguments, result.stderr))
        self.assertEqual(result.stdout, "")
        self.assertTrue(result.stderr.startswith("plugcl: "), result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertIn(part, result.stderr)
        self.assertEqual(sorted(os.listdir(self.folder.name)), before)

    def se(self, *more, weights="w.safetensors", x="x.npy", output="y.npy", plugin="se"):
        arguments = ["run", plugin, "--prefix", "net.se"]
        arguments += ["-w", weights] if weights else []
        arguments += ["-i", x] if x else []
        arguments += ["-o", output] if output else []
        return arguments + list(more)

    def assert_close(self, found, expected):
        self.assertEqual(len(found), len(expected))
        scale = max(map(abs, expected), default=1)
        self.assertLessEqual(max((abs(a - b) for a, b in zip(found, expected)), default=0), 1e-5 * scale)

    # Results

    def test_run(self):
        y, gate = files.se_reference(SHAPE, self.x, self.first, self.second, HIDDEN)
        for fusion in "on", "off":
            self.succeed(*self.se("-o", "gate=g.npy", "--fusion", fusion))
            shape, found = files.npy_read(self.path("y.npy"))
            self.assertEqual(shape, SHAPE)
            self.assert_close(found, y)
            shape, found = files.npy_read(self.path("g.npy"))
            self.assertEqual(shape, (2, CHANNELS, 1, 1))
            self.assert_close(found, gate)

    def test_spellings(self):
        self.succeed("run", "--weights=w.safetensors", "--prefix", "net.se.", "--input", "x=x.npy", "se", "--output", "y=./y.npy")
        first = files.npy_read(self.path("y.npy"))
        self.write("a=b.npy", files.npy_bytes(SHAPE, self.x))
        self.succeed(*self.se(x="./a=b.npy", output="./c=d.npy"))
        self.assertEqual(files.npy_read(self.path("c=d.npy")), first)
        self.succeed(*self.se("--set", "act=relu", "--set", "gate=sigmoid", output="y.npy"))
        self.assertEqual(files.npy_read(self.path("y.npy")), first)

    def test_types_and_orders(self):
        halves = [round(value * 64) / 64 for value in self.x]
        y, _ = files.se_reference(SHAPE, halves, self.first, self.second, HIDDEN)
        for descr in "<f2", ">f2", "<f4", ">f4", "<f8", ">f8":
            self.write("x.npy", files.npy_bytes(SHAPE, halves, descr))
            self.succeed(*self.se())
            self.assert_close(files.npy_read(self.path("y.npy"))[1], y)
        n, c, h, w = SHAPE
        fortran = [halves[((i * c + j) * h + k) * w + m] for m in range(w) for k in range(h) for j in range(c) for i in range(n)]
        self.write("x.npy", files.npy_bytes(SHAPE, fortran, fortran=True))
        self.succeed(*self.se())
        self.assert_close(files.npy_read(self.path("y.npy"))[1], y)
        self.write("x.npy", files.npy_bytes(SHAPE, [1] * len(halves), "<i4"))
        self.fail_with(1, "x.npy", *self.se(output="z.npy"))

    def test_empty_batch(self):
        self.write("x.npy", files.npy_bytes((0, CHANNELS, 5, 7), []))
        self.succeed(*self.se())
        self.assertEqual(files.npy_read(self.path("y.npy")), ((0, CHANNELS, 5, 7), []))

    def test_variants(self):
        """Forced ones are taken, and a plan that has no such step says so."""
        for variant, unused in ("channel_gate=strided", False), ("conv2d=generic", True):
            result = self.succeed(*self.se("--variant", variant))
            self.assertEqual(f"note: variant {variant} not used" in result.stderr, unused, result.stderr)
            y, _ = files.se_reference(SHAPE, self.x, self.first, self.second, HIDDEN)
            self.assert_close(files.npy_read(self.path("y.npy"))[1], y)
        self.succeed(*self.se("--variant", "linear=generic", "--variant", "activation=strided", "--fusion", "off"))
        for fusion, unused in ("on", True), ("off", False):
            result = self.succeed(*self.se("--variant", "gemm=own", "--fusion", fusion))
            self.assertEqual("note: variant gemm=own not used" in result.stderr, unused, result.stderr)

    def test_repeat_and_trace(self):
        result = self.succeed(*self.se("--repeat", "3", "--trace", "t.json"))
        self.assertIn("3 runs", result.stdout)
        with open(self.path("t.json")) as file:
            events = json.load(file)["traceEvents"]
        self.assertGreaterEqual(len(events), 3)
        self.assertTrue(all(event["ph"] == "X" and event["dur"] >= 0 and event["ts"] >= 0 for event in events))

    def test_png(self):
        """A 1-channel gate of sigmoid(0): every pixel halves."""
        self.write("w.safetensors", files.safetensors_bytes({"fc.0.weight": ((1, 1), [0.0]), "fc.2.weight": ((1, 1), [0.0])}))
        pixels = [0, 17, 34, 100, 200, 255]
        self.write("x.png", files.png_bytes(3, 2, 1, pixels))
        result = self.call("run", "se", "-w", "w.safetensors", "-i", "x.png", "-o", "y.npy")
        if "without libpng" in result.stderr:
            self.skipTest("built without libpng")
        self.assertEqual(result.returncode, 0, result.stderr)
        shape, found = files.npy_read(self.path("y.npy"))
        self.assertEqual(shape, (1, 1, 2, 3))
        self.assert_close(found, [value / 255 / 2 for value in pixels])
        self.succeed("run", "se", "-w", "w.safetensors", "-i", "x.png", "-o", "y.png")
        self.succeed("run", "se", "-w", "w.safetensors", "-i", "y.png", "-o", "z.npy")
        found = files.npy_read(self.path("z.npy"))[1]
        self.assertEqual([round(value * 2 * 255) for value in found], [int(value / 2 + 0.5) for value in pixels])
        grey_alpha = [byte for value in pixels for byte in (value, 3)]
        self.write("x.png", files.png_bytes(3, 2, 2, grey_alpha))
        self.succeed("run", "se", "-w", "w.safetensors", "-i", "x.png", "-o", "y.npy")
        self.assert_close(files.npy_read(self.path("y.npy"))[1], [value / 255 / 2 for value in pixels])
        run = ("run", "se", "-w", "w.safetensors", "-o", "n.npy", "-i")
        self.write("deep.png", files.png_bytes(3, 2, 1, [0, 1] * 6, depth=16))
        self.fail_with(1, "8-bit", *run, "deep.png")
        whole = files.png_bytes(40, 40, 1, bytes(i * 7 % 256 for i in range(1600)))
        for length in 0, 5, 20, 40, len(whole) // 2, len(whole) - 20:
            self.write("cut.png", whole[:length])
            self.fail_with(1, "cut.png", *run, "cut.png")
        self.write("lie.png", files.png_bytes(40, 40, 1, bytes(100)))
        self.fail_with(1, "lie.png", *run, "lie.png")

    def test_png_output_shape(self):
        self.fail_with(1, "[2, 8, 5, 7]", *self.se(output="y.png"))
        self.fail_with(1, "[2, 8, 1, 1]", *self.se("-o", "gate=g.png"))

    # Usage: status 2

    def test_usage(self):
        for part, arguments in [
                ("subcommand", ()), ("frobnicate", ("frobnicate",)), ("bench", ("bench",)), ("--what", ("--what",)),
                ("--what", self.se("--what")), ("-q", self.se("-q")), ("--device", self.se("--device")),
                ("no plug-in", ("run", "-w", "w.safetensors", "-i", "x.npy", "-o", "y.npy")),
                ("nothing", ("run", "nothing", "-w", "w.safetensors", "-i", "x.npy", "-o", "y.npy")), ("extra", self.se("extra")),
                ("-w", self.se(weights=None)), ("-i", self.se(x=None)), ("-o", self.se(output=None)),
                ("bogus", self.se("--set", "bogus=1")), ("frog", self.se("--set", "act=frog")),
                ("KEY=VALUE", self.se("--set", "act")), ("KEY=VALUE", self.se("--set", "=relu")),
                ("no value", self.se("--set", "act=")), ("act is given twice", self.se("--set", "act=relu", "--set", "act=relu")),
                ("flavour", self.se("--set", "flavour=frog")), ("number", self.se("--set", "alpha=x")),
                ("number", self.se("--set", "alpha=nan")), ("true or false", self.se("--set", "add_maxpool=maybe")),
                ("on or off", self.se("--fusion", "maybe")), ("on or off", self.se("--winograd", "maybe")),
                ("--repeat", self.se("--repeat", "0")),
                ("--repeat", self.se("--repeat", "x")), ("OPERATOR=NAME", self.se("--variant", "conv2d")),
                ("twice", self.se("-i", "x.npy")), ("twice", self.se("-o", "z.npy")), ("twice", self.se("-i", "x=x.npy")),
                ("twice", self.se("-o", "y=z.npy")), ("there is", self.se("-i", "z=x.npy")),
                ("gate", self.se("-o", "spatial=z.npy")), ("two outputs", self.se("-o", "gate=y.npy")),
                ("two outputs", self.se("-o", "gate=./y.npy")), ("--trace", self.se("--trace", "./y.npy")),
                ("--trace", self.se("--trace", "")), ("-w", self.se("-w", "")), ("number", self.se("--set", "alpha=1e39")),
                ("empty item", self.se("--set", "pools=avg,", plugin="cbam")),
                ("empty item", self.se("--set", "pools=,avg", plugin="cbam")),
                ("avg twice", self.se("--set", "pools=avg,max,avg", plugin="cbam")),
                ("both", ("describe", "se", "-w", "w.safetensors", "--prefix", "net.se", "--shape", "1,8,3,3", "-i", "x.npy")),
                ("--json", self.se("--json")), ("names no file", self.se("-o", "gate=")), ("frob", ("plugins", "frob")),
                ("extra", ("plugins", "se", "extra")), ("extra", ("devices", "extra")), ("--x", ("devices", "--x")),
                ("extra", ("cache", "extra")), ("--shape", ("describe", "se", "-w", "w.safetensors", "--prefix", "net.se")),
                ("N,C,H,W", ("describe", "se", "-w", "w.safetensors", "--shape", "1,2,3")),
                ("--trace", ("describe", "se", "-w", "w.safetensors", "--shape", "1,8,3,3", "--trace", "t")),
                ("frog", self.se("--variant", "channel_gate=frog")),
                ("conv2d has no variant", self.se("--variant", "conv2d=frog")),
                ("gemm has no variant", self.se("--variant", "gemm=frog")),
                ("twice", self.se("--variant", "conv2d=generic", "--variant", "conv2d=generic")),
                ("one OPERATOR=NAME", self.se("--variant", "conv2d=generic,linear=generic")),
                ("frog", self.se("--variant", "frog=generic"))]:
            with self.subTest(arguments=arguments):
                self.fail_with(2, part, *arguments)

    def test_help(self):
        for command in "", "devices", "plugins", "run", "describe", "cache":
            result = self.succeed(*command.split(), "--help")
            self.assertTrue(result.stdout.startswith("usage: plugcl"), result.stdout)
            self.assertLessEqual(max(map(len, result.stdout.splitlines())), 132)
        self.assertRegex(self.succeed("--version").stdout, r"^plugcl \d+\.\d+\.\d+\n$")

    # Files, shapes, weights, devices: status 1

    def test_missing_files(self):
        self.fail_with(1, "none.safetensors", *self.se(weights="none.safetensors"))
        self.fail_with(1, "none.npy", *self.se(x="none.npy"))
        self.fail_with(1, "none/y.npy", *self.se(output="none/y.npy"))
        self.fail_with(1, "too long", *self.se("-o", "gate=" + "g" * 300 + ".npy"))
        self.fail_with(1, "folder", *self.se("--trace", "."))
        os.mkdir(self.path("d.npy"))
        self.fail_with(1, "d.npy", *self.se(output="d.npy"))
        self.fail_with(1, ".npy or .png", *self.se(output="y.jpg"))
        self.fail_with(1, ".npy or .png", *self.se(x="x.jpg"))
        self.fail_with(1, "model.onnx", "run", "model.onnx", "-i", "x.npy", "-o", "y.npy")

    def test_failing_output_keeps_the_old_file(self):
        self.write("y.npy", b"old")
        self.fail_with(1, "none/g.npy", *self.se("-o", "gate=none/g.npy"))
        with open(self.path("y.npy"), "rb") as file:
            self.assertEqual(file.read(), b"old")

    def test_output_that_is_no_regular_file(self):
        """Renaming over a device or a pipe would destroy it; the device here is one of our own making, a pipe behind a link."""
        os.mkfifo(self.path("pipe"))
        for name in "y.npy", "g.png":
            os.symlink("pipe", self.path(name))
        self.fail_with(1, "not a regular file", *self.se(output="y.npy"))
        self.fail_with(1, "not a regular file", *self.se("-o", "gate=g.png", output="z.npy"))
        self.fail_with(1, "not a regular file", *self.se("--trace", "pipe", output="z.npy"))
        self.assertTrue(stat.S_ISFIFO(os.stat(self.path("y.npy")).st_mode))

    def test_output_behind_a_link(self):
        os.mkdir(self.path("there"))
        os.symlink("there/y.npy", self.path("y.npy"))
        self.write("there/y.npy", b"old")
        self.succeed(*self.se(output="y.npy"))
        self.assertTrue(os.path.islink(self.path("y.npy")))
        self.assertEqual(files.npy_read(self.path("there/y.npy"))[0], SHAPE)
        self.assertEqual(os.listdir(self.path("there")), ["y.npy"])

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full here")
    def test_standard_output_that_fails(self):
        """A full or closed standard output is an error, one line of it, and never a file of ours."""
        describe = ["describe", "se", "-w", "w.safetensors", "--prefix", "net.se", "--shape", "1,8,3,3"]
        for command in (["devices"], ["devices", "--json"], ["plugins", "se"], ["plugins", "--json"], ["cache", "--json"],
                        ["--help"], ["--version"], ["run", "--help"], describe, describe + ["--json"], self.se("--repeat", "2")):
            for redirection in ">/dev/full", ">&-":
                result = subprocess.run(["sh", "-c", f'exec "$@" {redirection}', "sh", PLUGCL, *command], cwd=self.folder.name,
                                        env=self.environment, stderr=subprocess.PIPE, text=True, timeout=120)
                with self.subTest(command=command, redirection=redirection):
                    self.assertEqual(result.returncode, 1)
                    self.assertRegex(result.stderr, r"^plugcl: standard output cannot be written: .*\n$")

    def test_closed_streams(self):
        self.succeed(*self.se(output="first.npy"))
        subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", PLUGCL, *self.se("--repeat", "2")], cwd=self.folder.name,
                       env=self.environment, timeout=120)
        self.assertEqual(files.npy_read(self.path("y.npy")), files.npy_read(self.path("first.npy")))

    @unittest.skipIf(os.geteuid() == 0, "root may write anywhere")
    def test_unwritable_folder(self):
        os.mkdir(self.path("closed"), 0o500)
        self.fail_with(1, "closed/y.npy", *self.se(output="closed/y.npy"))

    def test_interrupt(self):
        for number in signal.SIGINT, signal.SIGTERM:
            before = sorted(os.listdir(self.folder.name))
            with subprocess.Popen([PLUGCL, *self.se("--repeat", "1000000")], cwd=self.folder.name, env=self.environment) as process:
                with self.assertRaises(subprocess.TimeoutExpired):
                    process.wait(0.5)
                process.send_signal(number)
                self.assertEqual(process.wait(30), -number)
            self.assertEqual(sorted(os.listdir(self.folder.name)), before)

    def test_full_disk(self):
        """A file size limit stands for a full disk: the write fails half-way."""
        script = 'trap "" XFSZ; ulimit -f 1; exec "$@"'
        self.write("x.npy", files.npy_bytes((2, CHANNELS, 50, 70), [0.5] * (2 * CHANNELS * 3500)))
        before = sorted(os.listdir(self.folder.name))
        self.succeed(*self.se())
        os.unlink(self.path("y.npy"))
        result = subprocess.run(["sh", "-c", script, "sh", PLUGCL, *self.se()], cwd=self.folder.name, capture_output=True,
                                text=True, timeout=120, env=self.environment)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, r"^plugcl: y\.npy cannot be written: .*\n$")
        self.assertEqual(sorted(os.listdir(self.folder.name)), before)

    def test_full_disk_for_a_picture(self):
        self.write("w.safetensors", files.safetensors_bytes({"fc.0.weight": ((1, 1), [0.0]), "fc.2.weight": ((1, 1), [0.0])}))
        self.write("x.npy", files.npy_bytes((1, 1, 60, 60), files.floats((60, 60), 5)))
        command = ["run", "se", "-w", "w.safetensors", "-i", "x.npy", "-o", "y.png"]
        result = self.call(*command)
        if "without libpng" in result.stderr:
            self.skipTest("built without libpng")
        os.unlink(self.path("y.png"))
        result = subprocess.run(["sh", "-c", 'trap "" XFSZ; ulimit -f 1; exec "$@"', "sh", PLUGCL, *command], text=True,
                                cwd=self.folder.name, capture_output=True, timeout=120, env=self.environment)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, r"^plugcl: y\.png cannot be written: .*\n$")
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["w.safetensors", "x.npy"])

    def test_damaged_weights(self):
        whole = files.safetensors_bytes(self.tensors)
        for length in 0, 4, 8, 20, len(whole) // 2, len(whole) - 1:
            self.write("cut.safetensors", whole[:length])
            self.fail_with(1, "cut.safetensors", *self.se(weights="cut.safetensors"))
        self.write("lie.safetensors", b"\xff" * 8 + whole[8:])
        self.fail_with(1, "lie.safetensors", *self.se(weights="lie.safetensors"))
        for name in "w.pth", "w.npz", "w.bin":
            self.write(name, whole)
            self.fail_with(1, name, *self.se(weights=name))

    def test_weights_that_do_not_fit(self):
        self.fail_with(1, "other", "run", "se", "-w", "w.safetensors", "--prefix", "other", "-i", "x.npy", "-o", "y.npy")
        tensors = dict(self.tensors)
        del tensors["net.se.fc.2.weight"]
        self.write("w.safetensors", files.safetensors_bytes(tensors))
        self.fail_with(1, "", *self.se())
        self.write("w.safetensors", files.safetensors_bytes({"net.se.fc.0.weight": ((2, 5), [0.1] * 10),
                                                             "net.se.fc.2.weight": ((5, 2), [0.1] * 10)}))
        self.fail_with(1, "", *self.se())

    def test_errors_say_what_is_wrong(self):
        self.fail_with(1, 'no tensor\'s name begins with "net.s."; there are 3, the first of which is "net.se.fc.0.weight"',
                       "run", "se", "-w", "w.safetensors", "--prefix", "net.s", "-i", "x.npy", "-o", "y.npy")
        self.fail_with(1, "gate=hard_sigmoid", *self.se("--set", "alpha=0.5"))
        self.fail_with(1, "gate=hard_sigmoid", *self.se("--set", "beta=0.5", "--set", "gate=sigmoid"))
        self.succeed(*self.se("--set", "alpha=0.5", "--set", "gate=hard_sigmoid", output="alpha.npy"))
        for shape in (HIDDEN * CHANNELS,), (HIDDEN, CHANNELS, 1):
            self.write("rank.safetensors", files.safetensors_bytes(
                dict(self.tensors, **{"net.se.fc.0.weight": (shape, [0.5] * HIDDEN * CHANNELS)})))
            self.fail_with(1, "net.se.fc.0.weight is [", *self.se(weights="rank.safetensors"))
        self.write("ese.safetensors", files.safetensors_bytes({"net.se.fc.weight": ((8, 8), [0.1] * 64)}))
        self.fail_with(1, "option act", *self.se("--set", "act=silu", weights="ese.safetensors"))

    def test_wrappers(self):
        """Names as they are written, or without what training tools put in front, on either side; unused tensors are told."""
        self.succeed(*self.se(output="first.npy"))
        first = files.npy_read(self.path("first.npy"))
        for wrapper in "module.", "_orig_mod.", "model.", "_orig_mod.module.model.":
            tensors = {wrapper + name: tensor for name, tensor in self.tensors.items()}
            tensors[wrapper + "net.se.more"] = ((1,), [1.0])
            self.write("wrapped.safetensors", files.safetensors_bytes(tensors))
            for weights, prefix in (("wrapped.safetensors", "net.se"), ("wrapped.safetensors", wrapper + "net.se."),
                                    ("w.safetensors", wrapper + "net.se")):
                result = self.succeed("run", "se", "-w", weights, "--prefix", prefix, "-i", "x.npy", "-o", "y.npy")
                self.assertEqual(files.npy_read(self.path("y.npy")), first)
                self.assertEqual("1 tensor below" in result.stderr, weights == "wrapped.safetensors", result.stderr)
            bare = {name[len("net.se."):]: tensor for name, tensor in self.tensors.items() if name.startswith("net.se.")}
            self.write("bare.safetensors", files.safetensors_bytes(bare))
            self.succeed("run", "se", "-w", "bare.safetensors", "--prefix", wrapper, "-i", "x.npy", "-o", "y.npy")
            self.assertEqual(files.npy_read(self.path("y.npy")), first)

    def test_damaged_inputs(self):
        whole = files.npy_bytes(SHAPE, self.x)
        for length in 0, 6, 9, 50, len(whole) - 1:
            self.write("cut.npy", whole[:length])
            self.fail_with(1, "cut.npy", *self.se(x="cut.npy"))
        for shape in (CHANNELS,), (CHANNELS, 5, 7), (1, 2, CHANNELS, 5, 7):
            self.write("rank.npy", files.npy_bytes(shape, [0.5] * files.product(shape)))
            self.fail_with(1, "rank 4", *self.se(x="rank.npy"))
        for shape in (1, 0, 5, 7), (1, CHANNELS, 0, 7), (1, CHANNELS, 5, 0):
            self.write("zero.npy", files.npy_bytes(shape, []))
            self.fail_with(1, "at least 1", *self.se(x="zero.npy"))
        self.write("c.npy", files.npy_bytes((1, 9, 2, 2), [0.5] * 36))
        self.fail_with(1, "9", *self.se(x="c.npy"))

    def test_devices_that_are_not_there(self):
        self.fail_with(1, "no such device", *self.se("--device", "no such device"))
        self.fail_with(1, "97:3", *self.se("--device", "97:3"))
        os.mkdir(self.path("vendors"))
        empty = {"OCL_ICD_VENDORS": self.path("vendors") + "/", "OPENCL_VENDOR_PATH": self.path("vendors")}
        self.fail_with(1, "", *self.se(), **empty)
        self.assertEqual(json.loads(self.succeed("devices", "--json", **empty).stdout), [])
        self.succeed("devices", **empty)

    def test_platforms_that_hide_their_devices(self):
        """PoCL has no device where it cannot write its own cache; what is said then leads to the cure."""
        self.write("file", b"")
        for place in {"XDG_CACHE_HOME": self.path("file"), "POCL_CACHE_DIR": self.path("file/pocl")}, {"RUSTICL_ENABLE": ""}:
            for device in json.loads(self.succeed("devices", "--json", **place).stdout):
                if device["type"] == "none" and device["platform"] == "Portable Computing Language":
                    self.assertIn("POCL_CACHE_DIR", device["reason"])
                if device["type"] == "none" and device["platform"] == "rusticl":
                    self.assertIn("RUSTICL_ENABLE", device["reason"])

    # The other subcommands

    def test_devices(self):
        devices = json.loads(self.succeed("devices", "--json").stdout)
        self.assertTrue(any(device["usable"] for device in devices))
        usable = next(device for device in devices if device["usable"])
        self.assertIn(usable["name"], self.succeed("devices").stdout)
        self.succeed(*self.se("--device", usable["index"]))
        self.succeed(*self.se("--device", "no such device," + usable["index"]))

    def test_plugins(self):
        listed = self.succeed("plugins").stdout
        plugins = {plugin["name"]: plugin for plugin in json.loads(self.succeed("plugins", "--json").stdout)}
        for name in "se", "cbam", "channel_attention", "spatial_attention":
            self.assertIn(name, listed)
            self.assertIn(name, plugins)
            one = json.loads(self.succeed("plugins", name, "--json").stdout)
            self.assertEqual(one, plugins[name])
            text = self.succeed("plugins", name).stdout
            for option in one["options"]:
                self.assertIn(option["name"], text)
            self.assertIn("flavour", [option["name"] for option in one["options"]])
        self.assertEqual(plugins["se"]["outputs"], ["y", "gate"])

    def test_describe(self):
        describe = ("describe", "se", "-w", "w.safetensors", "--prefix", "net.se")
        plan = json.loads(self.succeed(*describe, "--shape", "3,8,6,9", "--json").stdout)
        self.assertLessEqual(plan["arena_lower_bound_bytes"], plan["arena_bytes"])
        self.assertGreaterEqual(plan["constant_bytes"], 4 * 2 * 2 * 8)  # two layers between 8 channels and at least 2
        self.assertLessEqual(1, plan["programs"])
        self.assertLessEqual(plan["programs"], plan["kernels"])
        self.assertLessEqual(plan["kernels"], plan["launches"])
        self.assertLessEqual(plan["programs_loaded"], plan["programs"])
        text = self.succeed(*describe, "-i", "x.npy").stdout
        self.assertRegex(text, r"arena \d+ bytes \(at least \d+ are alive at once\), weights on the device \d+ bytes")
        self.assertRegex(text, r"launches \d+; kernels \d+; programs \d+ \(compiled \d+, loaded from the cache \d+\)")
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["w.safetensors", "x.npy"])
        fused = len(json.loads(self.succeed(*describe, "--shape", "3,8,6,9", "--json").stdout)["steps"])
        apart = len(json.loads(self.succeed(*describe, "--shape", "3,8,6,9", "--json", "--fusion", "off").stdout)["steps"])
        self.assertGreater(apart, fused)

    def test_tune(self):
        home = self.path("tuned")
        os.mkdir(home, 0o700)
        se = ("se", "-w", "w.safetensors", "--prefix", "net.se", "--shape", "2,8,5,7", "--fusion", "off")
        environment = {"XDG_CACHE_HOME": home}
        built_in = json.loads(self.succeed("describe", *se, "--json", **environment).stdout)["steps"]
        self.assertEqual({step["choice"] for step in built_in}, {"built-in"})
        forced = json.loads(self.succeed("describe", *se, "--variant", "linear=generic", "--json", **environment).stdout)["steps"]
        self.assertEqual({step["choice"] for step in forced if step["operator"] == "linear"}, {"forced"})
        first = json.loads(self.succeed("tune", *se, "--json", **environment).stdout)["results"]
        self.assertTrue(first and all(result["measured"] and result["time_ns"] > 0 for result in first))
        again = json.loads(self.succeed("tune", *se, "--json", **environment).stdout)["results"]
        self.assertFalse(any(result["measured"] for result in again))
        self.assertIn(f"{len(first)} results, {len(first)} of them measured now",
                      self.succeed("tune", *se, "--again", **environment).stdout)
        steps = json.loads(self.succeed("describe", *se, "--json", **environment).stdout)["steps"]
        self.assertIn("tuned", {step["choice"] for step in steps})
        self.assertIn(" tuned ", self.succeed("describe", *se, **environment).stdout)
        self.assertEqual(json.loads(self.succeed("cache", "--json", **environment).stdout)["tuning_results"], len(first))
        self.succeed("cache", "--clear", **environment)
        self.assertEqual(json.loads(self.succeed("cache", "--json", **environment).stdout)["tuning_results"], 0)
        self.fail_with(2, "--shape", "tune", "se", "-w", "w.safetensors", "--prefix", "net.se")
        self.fail_with(2, "--again", "describe", *se, "--again")

    def test_tune_interrupted(self):
        """Ctrl-C ends tuning as it ends other commands, and keeps what was measured."""
        home = self.path("tuned")
        os.mkdir(home, 0o700)
        process = subprocess.Popen([PLUGCL, "tune", "se", "-w", "w.safetensors", "--prefix", "net.se", "--shape", "2,8,5,7",
                                    "--fusion", "off"], cwd=self.folder.name, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, env=dict(self.environment, XDG_CACHE_HOME=home))
        cache = os.path.join(home, "plugcl")
        while process.poll() is None and not (os.path.isdir(cache) and any(n.endswith(".tuning") for n in os.listdir(cache))):
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
        if process.returncode != 0:  # it may have been done already
            self.assertEqual(process.returncode, -signal.SIGINT)
            self.assertEqual(stdout, "")
            self.assertIn("plugcl: interrupted; what was measured till now is kept\n", stderr)
        self.assertGreater(json.loads(self.succeed("cache", "--json", XDG_CACHE_HOME=home).stdout)["tuning_results"], 0)

    def test_bench(self):
        report = json.loads(self.succeed("bench", "se", "-w", "w.safetensors", "--prefix", "net.se", "--shape", "2,8,5,7",
                                         "--repeat", "5", "--json").stdout)
        self.assertEqual(report["runs"], 5)
        for timed in report["run"], *report["steps"]:
            self.assertGreaterEqual(timed["median_ms"], timed["fastest_ms"])
            self.assertGreater(timed["fastest_ms"], 0)
            self.assertGreaterEqual(timed["spread"], 0)
        self.assertTrue(report["steps"])
        text = self.succeed("bench", *self.se(output="y.npy")[1:], "--repeat", "3").stdout
        self.assertIn("3 runs", text)
        self.assertIn("2 runs", self.succeed("bench", *self.se(output="y.npy")[1:], "--repeat", "2", "--poll", "500").stdout)
        self.fail_with(2, "--poll", "bench", *self.se(output="y.npy")[1:], "--poll", "-1")
        self.assertIn("channel_gate", text)
        self.assertFalse(os.path.exists(self.path("y.npy")))
        self.fail_with(2, "--shape", "bench", "se", "-w", "w.safetensors", "--prefix", "net.se")

    def test_cache(self):
        home = self.path("cache")
        os.mkdir(home, 0o700)
        self.succeed(*self.se(), XDG_CACHE_HOME=home)
        cache = json.loads(self.succeed("cache", "--json", XDG_CACHE_HOME=home).stdout)
        self.assertEqual(cache["folder"], os.path.join(home, "plugcl"))
        self.assertGreater(cache["programs"], 0)
        self.assertIn(str(cache["bytes"]), self.succeed("cache", XDG_CACHE_HOME=home).stdout)
        self.succeed("cache", "--clear", XDG_CACHE_HOME=home)
        self.assertEqual(json.loads(self.succeed("cache", "--json", XDG_CACHE_HOME=home).stdout)["programs"], 0)
        self.succeed("cache", XDG_CACHE_HOME="relative", HOME="")


if __name__ == "__main__":
    unittest.main()
