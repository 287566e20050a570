#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command with plug-ins from shared objects: examples/own_plugin, held to PyTorch's outputs, and plug-ins that are wrong.

usage: plugin_test.py PATH-OF-PLUGCL LIBECA.SO [WRONG-PLUGINS.SO] [unittest arguments]
"""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import unittest

import files

PLUGCL = os.path.abspath(sys.argv.pop(1))
LIBRARIES = [os.path.abspath(sys.argv.pop(1)) for _ in range(2) if len(sys.argv) > 1 and ".so" in sys.argv[1]]
ECA, WRONG = LIBRARIES[0], LIBRARIES[1] if len(LIBRARIES) > 1 else None
VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples/own_plugin/eca.safetensors")
DRIVER_LINE = re.compile(r"MESA: |.*for shader cache|\d+ errors? generated")  # drivers' own, on standard error


def read_vectors():
    with open(VECTORS, "rb") as file:
        data = file.read()
    length = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, entry in json.loads(data[8:8 + length]).items():
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = entry["shape"], list(struct.unpack(f"<{(end - start) // 4}f", data[start:end]))
    return tensors


class PluginTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def plugcl(self, *arguments, wanted=0, cwd=None):
        result = subprocess.run([PLUGCL, *arguments], capture_output=True, text=True, timeout=300, cwd=cwd)
        errors = [line for line in result.stderr.splitlines() if not DRIVER_LINE.match(line)]
        self.assertEqual(result.returncode, wanted, result.stderr)
        if wanted:
            self.assertEqual(len(errors), 1, result.stderr)
            self.assertTrue(errors[0].startswith("plugcl: "), result.stderr)
            self.assertEqual(result.stdout, "")
            return errors[0]
        return result.stdout

    def test_listed(self):
        self.assertIn("eca ", self.plugcl("plugins", "--plugin", ECA))
        self.assertNotIn("eca ", self.plugcl("plugins"))
        text = self.plugcl("plugins", "eca", "--plugin", ECA)
        for part in ["arXiv 1910.03151", "gate=sigmoid|hard_sigmoid", "official", "conv.weight"]:
            self.assertIn(part, text)
        listed = json.loads(self.plugcl("plugins", "--json", "--plugin", ECA))
        self.assertEqual(listed[-1]["name"], "eca")
        # A bare name is a file of this folder.
        self.plugcl("plugins", "--plugin", os.path.basename(ECA), cwd=os.path.dirname(ECA))

    def test_run_beside_pytorch(self):
        vectors = read_vectors()
        x = os.path.join(self.folder, "x.npy")
        with open(x, "wb") as file:
            file.write(files.npy_bytes(*vectors["vector.x"]))
        for name, settings in [("soft", []), ("hard", ["--set", "gate=hard_sigmoid"])]:
            for fusion in ["on", "off"]:
                y, gate = (os.path.join(self.folder, f"{name}.{output}.npy") for output in ["y", "gate"])
                self.plugcl("run", "eca", "--plugin", ECA, "-w", VECTORS, "--prefix", name, *settings, "-i", x, "-o", y,
                            "-o", f"gate={gate}", "--fusion", fusion)
                for output, path in [("y", y), ("gate", gate)]:
                    shape, values = files.npy_read(path)
                    wanted_shape, wanted = vectors[f"vector.{name}.{output}"]
                    self.assertEqual(list(shape), wanted_shape)
                    self.assertLess(max(abs(a - b) for a, b in zip(values, wanted)), 1e-5)

    def test_described(self):
        steps = {}
        for fusion in ["on", "off"]:
            plan = json.loads(self.plugcl("describe", "eca", "--plugin", ECA, "-w", VECTORS, "--prefix", "soft", "--shape",
                                          "2,12,5,7", "--fusion", fusion, "--json"))
            steps[fusion] = [step["operator"] for step in plan["steps"]]
        self.assertIn("kernel", steps["on"])
        self.assertNotIn("kernel", steps["off"])

    def test_checked(self):
        text = self.plugcl("check-plugin", "--plugin", ECA)
        self.assertRegex(text, r"^eca: 15 cases agree with the definition, the largest difference is [0-9.e-]+; 3 samples\n$")
        self.assertIn("eca: 15 cases", self.plugcl("check-plugin", "eca", "--plugin", ECA, "--seed", "7"))
        self.assertIn("eca: 7 cases", self.plugcl("check-plugin", "eca", "--plugin", ECA, "-w", VECTORS, "--prefix", "hard",
                                                  "--set", "gate=hard_sigmoid", "--shape", "1,12,9,8"))

    def test_errors(self):
        text = os.path.join(self.folder, "text.so")
        with open(text, "w", encoding="ascii") as file:
            file.write("text")
        self.assertIn("missing.so cannot be read: No such file", self.plugcl("plugins", "--plugin", "missing.so", wanted=1))
        self.assertIn("cannot be loaded as a shared object", self.plugcl("plugins", "--plugin", text, wanted=1))
        self.assertIn("names no file", self.plugcl("plugins", "--plugin", "", wanted=2))
        self.assertIn("a plug-in named eca already", self.plugcl("plugins", "--plugin", ECA, "--plugin", ECA, wanted=1))
        self.assertIn('unknown plug-in "eca"', self.plugcl("plugins", "eca", wanted=2))
        self.assertIn("cbam, ", self.plugcl("plugins", "none", "--plugin", ECA, wanted=2))
        self.assertIn("weights are missing", self.plugcl("describe", "eca", "--plugin", ECA, "--shape", "1,2,3,4", wanted=2))
        check = ["check-plugin", "--plugin", ECA]
        self.assertIn("no plug-in is named", self.plugcl("check-plugin", wanted=2))
        self.assertIn("unknown plug-in", self.plugcl(*check, "other", wanted=2))
        self.assertIn("se has no samples", self.plugcl("check-plugin", "se", wanted=1))
        self.assertIn("go with -w", self.plugcl(*check, "eca", "--shape", "1,2,3,4", wanted=2))
        self.assertIn("name it", self.plugcl(*check, "-w", VECTORS, "--shape", "1,2,3,4", wanted=2))
        self.assertIn("shape is missing", self.plugcl(*check, "eca", "-w", VECTORS, wanted=2))
        self.assertIn("at least 1", self.plugcl(*check, "eca", "-w", VECTORS, "--shape", "1,0,3,4", wanted=1))
        self.assertIn("not a number", self.plugcl(*check, "--seed", "-1", wanted=2))
        self.assertIn("unknown option --repeat", self.plugcl(*check, "--repeat", "2", wanted=2))
        self.assertIn("odd k", self.plugcl(*check, "eca", "-w", self.weights([1, 1, 4]), "--shape", "1,2,3,4", wanted=1))

    def weights(self, shape):
        path = os.path.join(self.folder, "weights.safetensors")
        with open(path, "wb") as file:
            file.write(files.safetensors_bytes({"conv.weight": (shape, files.floats(shape, 1))}))
        return path

    def test_wrong_plugins_are_found(self):
        if WRONG is None:
            self.skipTest("no library of wrong plug-ins was given")
        for name, message in [("off", r"output y of the plan is 0.001 off the definition"),
                              ("left_out", r"output y of the plan is .* off the definition"),
                              ("pooled", r"output y is \[2, 6, 16, 16\] in the plan and \[2, 6, 1, 1\] in the definition"),
                              ("refusing", r"the definition runs, but the channels-last plan is refused: .*nothing is right"),
                              ("broken", r"the plan: broken: same does not compile with .*FACTOR"),
                              ("right", r"right has no samples")]:
            error = self.plugcl("check-plugin", name, "--plugin", WRONG, wanted=1)
            self.assertRegex(error, message)
        # A plug-in without flavours may do without weights.
        plan = json.loads(self.plugcl("describe", "right", "--plugin", WRONG, "--shape", "1,6,4,4", "--json"))
        self.assertEqual([step["operator"] for step in plan["steps"]], ["kernel"])


if __name__ == "__main__":
    unittest.main()
