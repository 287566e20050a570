# SPDX-License-Identifier: Apache-2.0
"""OpenVINO as a contender: the latency hint, float32, inputs and outputs bound beforehand.

usage: openvino_peer.py CASE MODEL THREADS
"""
import json
import sys
from functools import partial

import numpy
import openvino

from serve import serve
from values import inputs


def make(path, threads, arrays, pinning):
    compiled = openvino.Core().compile_model(path, "CPU", {
        "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32",
        "EXECUTION_MODE_HINT": "ACCURACY", "ENABLE_CPU_PINNING": pinning})
    request = compiled.create_infer_request()
    for name, array in arrays.items():
        request.set_tensor(name, openvino.Tensor(array, shared_memory=True))
    request.infer()
    y = numpy.array(request.get_output_tensor().data)
    request.set_output_tensor(openvino.Tensor(y, shared_memory=True))

    def run():
        request.infer()
        return y
    return run


def main():
    case, path, threads = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    arrays = inputs(case)
    serve(openvino.__version__.split("-")[0], {"pinned": partial(make, path, threads, arrays, True),
                                               "free": partial(make, path, threads, arrays, False)})


if __name__ == "__main__":
    main()
