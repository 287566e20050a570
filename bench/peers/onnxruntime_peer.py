# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime as a contender: every graph optimisation, outputs bound beforehand, threads that spin or that sleep, or
the calling thread alone.

usage: onnxruntime_peer.py CASE MODEL THREADS
"""
import json
import os
import sys
from functools import partial

import onnxruntime

from serve import serve
from values import inputs


def make(path, arrays, threads, spinning, pinned=False):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spinning else "0")
    options.add_session_config_entry("session.intra_op.spin_duration_us", "1000")  # 30 ms otherwise, into the next one's turn
    if pinned:  # all but the calling thread, to processors counted from 1
        options.add_session_config_entry("session.intra_op_thread_affinities", ";".join(map(str, range(2, threads + 1))))
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    for name, array in arrays.items():
        binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(array))
    results = [onnxruntime.OrtValue.ortvalue_from_numpy(session.run(None, arrays)[0])]
    binding.bind_ortvalue_output("y", results[0])

    def run():
        session.run_with_iobinding(binding)
        return results[0]
    return run


def main():
    case, path, threads = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    arrays = inputs(case)
    makers = {"spinning": partial(make, path, arrays, threads, True), "sleeping": partial(make, path, arrays, threads, False),
              "one thread": partial(make, path, arrays, 1, False)}
    if 1 < threads == os.cpu_count():
        makers["spinning, pinned"] = partial(make, path, arrays, threads, True, True)
    serve(onnxruntime.__version__, makers)


if __name__ == "__main__":
    main()
