# SPDX-License-Identifier: Apache-2.0
"""The processes that bench/compare and bench/startup measure: how they are made ready, started and asked."""
import hashlib
import json
import os
import pathlib
import statistics
import subprocess

from peers.fastest import fastest

BENCH = pathlib.Path(__file__).resolve().parent
ROOT = BENCH.parent
PEERS = ("torch", "onnxruntime", "openvino", "ncnn", "onednn")
NCNN_KINDS = ("aspp", "cbam", "conv", "elementwise", "finder", "bottlenecks", "pool", "resize", "se")
# Tuning that peers need, and that cannot harm them: docs/benchmarks.md.
PEER_ENVIRONMENT = {"OMP_WAIT_POLICY": "passive", "MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "4294967296"}


# Ways of plugcl, of which a user may choose: PoCL's threads by its environment (other drivers have one way), and how long a wait
# polls before it sleeps (`poll_ns` of plugcl's context). Threads that are not pinned are left out: they are as fast in one round
# and half as fast in the next, so that nine rounds do not tell.
PLUGCL_WAYS = {"pinned": ({"POCL_AFFINITY": "1"}, 0), "pinned, polling": ({"POCL_AFFINITY": "1"}, 1000),
               "calling thread": ({"POCL_DEVICES": "basic"}, 0)}  # environment, microseconds
WAYS_AS_SET = {"as set": ({}, 0), "as set, polling": ({}, 1000)}  # where the environment says something of the driver already


class Absent(Exception):
    """A contender that cannot take part, and why."""


class Contender:
    """A process that says what it is in a line of JSON, then answers each line with one figure."""

    def __init__(self, name, command, **environment):
        self.name, self.figures = name, []
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env={**os.environ, **environment})
        self.about = json.loads(self.answer())

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            words = self.process.communicate()[1].strip().splitlines()
            raise Absent(words[-1] if words else f"ended with status {self.process.returncode}")
        return line

    def time_round(self, seconds=None):
        """One figure, of a round as long as each table's unless `seconds` is given (plugcl's contender alone takes it)."""
        self.process.stdin.write("\n" if seconds is None else f"{seconds * 1000:.0f}\n")
        self.process.stdin.flush()
        return float(self.answer())

    def round(self):
        self.figures.append(self.time_round())

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()
        self.process.wait()

    @property
    def median(self):
        return statistics.median(self.figures)

    def result(self):
        quarters = statistics.quantiles(self.figures, n=4) if len(self.figures) > 1 else self.figures * 3
        return {"median_us": self.median, "quartiles_us": [quarters[0], quarters[2]], **self.about}


def ways():
    return WAYS_AS_SET if {"POCL_AFFINITY", "POCL_DEVICES"} & set(os.environ) else PLUGCL_WAYS


def start_way(name, build, case, way):
    environment, poll_us = way
    program = pathlib.Path(build) / "bench" / "contender"
    return Contender(name, [program, json.dumps({**case, "poll_us": poll_us})], **environment)


def start_plugcl(name, build, case):
    """The fastest way of a build of plugcl, chosen as every peer chooses among its own."""
    started = {mode: start_way(name, build, case, way) for mode, way in ways().items()}
    mode = fastest({mode: contender.time_round for mode, contender in started.items()})
    best = started.pop(mode)
    for contender in started.values():
        contender.close()
    best.about["mode"] = mode
    return best


def profile(build, case):
    """The steps of plugcl's plan with their times, in the way that is fastest for most rows."""
    polling = next(way for mode, way in ways().items() if mode.endswith("polling"))
    process = start_way("profile", build, {**case, "profile": 1}, polling).process
    text, words = process.communicate()
    if process.returncode != 0:
        raise Absent(words.strip())
    return text.rstrip()


class Peers:
    """Starts the contenders that are not plugcl."""

    def __init__(self, options):
        self.python, self.threads, self.build = options.python, options.threads, options.build
        self.environment = {**PEER_ENVIRONMENT, "OMP_NUM_THREADS": str(options.threads)}

    def model(self, case, suffix):
        """The case as a file, made once for each state of what makes it."""
        key = hashlib.sha256(json.dumps(case, sort_keys=True).encode())
        for name in ("export.py", "models.py", "values.py"):
            key.update((BENCH / "peers" / name).read_bytes())
        path = self.build / "bench" / "models" / f"{key.hexdigest()[:16]}{suffix}"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            done = subprocess.run([self.python, BENCH / "peers" / "export.py", json.dumps(case), path], capture_output=True,
                                  text=True, env={**os.environ, **self.environment})
            if done.returncode != 0:
                raise Absent((done.stderr.strip().splitlines() or ["no model"])[-1])
        return path

    def onednn(self, case):
        numbers = {"conv": ("batch", "channels", "size", "outputs", "kernel", "stride", "dilation", "groups"),
                   "gemm": ("rows", "depth", "columns", "constant")}.get(case["kind"])
        if numbers is None:
            return None
        program = self.build / "bench" / "onednn"
        if not program.exists():
            raise Absent("libdnnl-dev was not installed when the build was made")
        defaults = {"batch": 1, "constant": 0}
        return [program, case["kind"], *(case.get(key, defaults.get(key, 1)) for key in numbers)]

    def command(self, peer, case):
        """None where the peer has nothing to do with the case."""
        if peer == "onednn":
            return self.onednn(case)
        if peer == "ncnn" and (case["kind"] not in NCNN_KINDS or case["batch"] > 1):
            return None
        model = [] if peer == "torch" else [self.model(case, ".param" if peer == "ncnn" else ".onnx")]
        return [self.python, BENCH / "peers" / f"{peer}_peer.py", json.dumps(case), *model, self.threads]

    def start(self, peer, case):
        command = self.command(peer, case)
        return None if command is None else Contender(peer, command, **self.environment)


def prepare(options):
    """Makes what is missing: the peers' environment and the build."""
    wanted = [peer for peer in options.peers if peer != "onednn"]
    if wanted and not pathlib.Path(options.python).exists():
        subprocess.run([BENCH / "setup"], check=True)
    if not (options.build / "bench" / "contender").exists():
        if not (options.build / "build.ninja").exists():
            subprocess.run(["meson", "setup", options.build, ROOT], check=True)
        subprocess.run(["ninja", "-C", options.build], check=True)


def add_options(parser, rounds):
    """What both commands take."""
    parser.add_argument("--rounds", type=int, default=rounds, help=f"default {rounds}")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"of {','.join(PEERS)}; or none")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--python", default=os.environ.get("PLUGCL_BENCH_PYTHON", str(ROOT / ".venv-bench" / "bin" / "python")),
                        help="the peers' Python; else $PLUGCL_BENCH_PYTHON, or that of bench/setup")


def check_options(parser, options):
    options.peers = [] if options.peers == "none" else options.peers.split(",")
    unknown = set(options.peers) - set(PEERS)
    if unknown:
        parser.error(f"--peers: there is no {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    options.build = options.build.resolve()
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
