# SPDX-License-Identifier: Apache-2.0
"""The processes that bench/compare and bench/startup measure: how they are made ready, started and asked."""
import hashlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

from peers.fastest import fastest

BENCH = pathlib.Path(__file__).resolve().parent
ROOT = BENCH.parent
OWN_PYTHON = str(ROOT / ".venv-bench" / "bin" / "python")
PEERS = ("torch", "onnxruntime", "openvino", "ncnn", "onednn")
NCNN_KINDS = ("aspp", "cbam", "conv", "elementwise", "finder", "bottlenecks", "pool", "resize", "se")
PAUSE_SECONDS = 0.01  # before each turn, in which threads that the one before left spinning go to sleep
# Tuning that peers need. OpenMP's threads spin for some 0.3 ms before they sleep, longer than the pauses between parallel regions
# and between runs, and stay on their cores: what spins where another is to wake costs milliseconds. ALLOCATION keeps glibc from giving pages back between runs; what a first result costs is measured without it.
OPENMP = {"GOMP_SPINCOUNT": "20000", "OMP_PROC_BIND": "true"}
ALLOCATION = {"MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "4294967296"}
# Runs shorter than this may be faster with one thread. These peers need a process of its own to try; the others always try it.
FEW_MICROSECONDS = 1000
CHOOSE_BY_PROCESS = ("torch", "onednn")

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
        """One figure, of a round as long as each table's unless `seconds` is given."""
        time.sleep(PAUSE_SECONDS)
        try:
            self.process.stdin.write("\n" if seconds is None else f"{seconds * 1000:.0f}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer tells why
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


def agrees(check, expected):
    """Whether two summaries are of the same result."""
    return all(abs(a - b) <= 2e-3 * expected[1] for a, b in zip(check[:2], expected[:2])) \
        and abs(check[2] - expected[2]) <= 5e-3 * expected[2]


def ways():
    return WAYS_AS_SET if {"POCL_AFFINITY", "POCL_DEVICES"} & set(os.environ) else PLUGCL_WAYS


def command_of(build, case, poll_us):
    return [pathlib.Path(build) / "bench" / "contender", json.dumps({**case, "poll_us": poll_us})]


def driver_threads(options):
    """What tells PoCL the number of threads."""
    return {"POCL_MAX_PTHREAD_COUNT": str(options.threads)}


def choose(started):
    """The fastest of {mode: contender}; the others end."""
    mode = fastest({mode: contender.time_round for mode, contender in started.items()})
    best = started.pop(mode)
    for contender in started.values():
        contender.close()
    best.about["mode"] = ", ".join(filter(None, (best.about.get("mode"), mode)))
    return best


def start_plugcl(name, build, case, options):
    """The fastest way of a build of plugcl, chosen as every peer chooses among its own."""
    return choose({mode: Contender(name, command_of(build, case, poll_us), **environment, **driver_threads(options))
                   for mode, (environment, poll_us) in ways().items()})


def profile(case, options):
    """The steps of plugcl's plan with their times, in the way that is fastest for most rows."""
    environment, poll_us = next(way for mode, way in ways().items() if mode.endswith("polling"))
    done = subprocess.run(command_of(options.build, {**case, "profile": 1}, poll_us), capture_output=True, text=True,
                          env={**os.environ, **environment, **driver_threads(options)})
    if done.returncode != 0:
        raise Absent(done.stderr.strip())
    return done.stdout.partition("\n")[2].rstrip()  # behind the line that says what it is


class Peers:
    """Starts the contenders that are not plugcl."""

    def __init__(self, options):
        self.python, self.threads, self.build = options.python, options.threads, options.build

    def model(self, case, suffix):
        """The case as a file, made once for each state of what makes it."""
        key = hashlib.sha256(json.dumps(case, sort_keys=True).encode())
        for name in ("bench/peers/export.py", "bench/peers/models.py", "bench/peers/values.py", "examples/handwriting/network.py"):
            key.update((ROOT / name).read_bytes())
        path = self.build / "bench" / "models" / f"{key.hexdigest()[:16]}{suffix}"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            done = subprocess.run([self.python, BENCH / "peers" / "export.py", json.dumps(case), path], capture_output=True,
                                  text=True)
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
            raise Absent("needs libdnnl-dev (bench/setup installs it)")
        defaults = {"batch": 1, "constant": 0}
        return [program, case["kind"], *(case.get(key, defaults.get(key, 1)) for key in numbers)]

    def command(self, peer, case, threads):
        """None where the peer has nothing to do with the case."""
        if peer == "onednn":
            return self.onednn(case)
        if peer == "ncnn" and (case["kind"] not in NCNN_KINDS or case["batch"] > 1):
            return None
        model = [] if peer == "torch" else [self.model(case, ".param" if peer == "ncnn" else ".onnx")]
        return [self.python, BENCH / "peers" / f"{peer}_peer.py", json.dumps(case), *model, threads]

    def start(self, peer, case, is_short):
        """With all threads, or with one if that is faster where a run is short."""
        counts = {"": self.threads}
        if is_short and peer in CHOOSE_BY_PROCESS and self.threads > 1:
            counts["one thread"] = 1
        commands = {mode: self.command(peer, case, threads) for mode, threads in counts.items()}
        if commands[""] is None:
            return None
        return choose({mode: Contender(peer, command, **OPENMP, **ALLOCATION, OMP_NUM_THREADS=str(counts[mode]))
                       for mode, command in commands.items()})


def make_up_to_date(options):
    """The build, with oneDNN's contender where it is wanted and its library has come."""
    again = ["--reconfigure"] if (options.build / "build.ninja").exists() else []
    if not again or ("onednn" in options.peers and not (options.build / "bench" / "onednn").exists()):
        subprocess.run(["meson", "setup", options.build, ROOT, *again], check=True, stdout=sys.stderr)
    done = subprocess.run(["ninja", "-C", options.build], capture_output=True, text=True)  # it says so when there is nothing to do
    if done.returncode != 0:
        sys.exit(done.stdout)


def prepare(options):
    """Makes what is missing: the peers' environment and the build."""
    wanted = [peer for peer in options.peers if peer != "onednn"]
    if wanted and not pathlib.Path(options.python).exists():
        if options.python != OWN_PYTHON:
            sys.exit(f"--python: there is no {options.python}")
        subprocess.run([BENCH / "setup"], check=True)
    if options.build == ROOT / "build":
        make_up_to_date(options)
    elif not (options.build / "bench" / "contender").exists():
        sys.exit(f"--build: there is no {options.build / 'bench' / 'contender'}; meson and ninja make it")


def add_options(parser, rounds):
    """What both commands take."""
    parser.add_argument("--rounds", type=int, default=rounds, help=f"default {rounds}")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"of {','.join(PEERS)}; or none")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--python", default=os.environ.get("PLUGCL_BENCH_PYTHON", OWN_PYTHON),
                        help="the peers' Python; else $PLUGCL_BENCH_PYTHON, or that of bench/setup")


def check_options(parser, options):
    options.peers = [] if options.peers == "none" else options.peers.split(",")
    unknown = set(options.peers) - set(PEERS)
    if unknown:
        parser.error(f"--peers: there is no {', '.join(sorted(unknown))}; there are {', '.join(PEERS)}")
    for name in ("rounds", "threads"):
        if getattr(options, name) < 1:
            parser.error(f"--{name}: at least 1")
    options.build = options.build.resolve()
    os.environ["APART_MS"] = str(getattr(options, "apart", 0))
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
