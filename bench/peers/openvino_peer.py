# SPDX-License-Identifier: Apache-2.0
"""OpenVINO as a contender: the latency hint, float32, inputs and outputs bound beforehand, in the row's layout.

usage: openvino_peer.py CASE MODEL THREADS
"""
import json
import sys
from functools import partial

import numpy
import openvino

from serve import serve
from values import inputs


def with_pictures_last(model):
    """Its pictures, in and out, with their channels last."""
    converter = openvino.preprocess.PrePostProcessor(model)
    for ports, found in ((converter.input, model.inputs), (converter.output, model.outputs)):
        for i, port in enumerate(found):
            if len(port.partial_shape) == 4:
                ports(i).model().set_layout(openvino.Layout("NCHW"))
                ports(i).tensor().set_layout(openvino.Layout("NHWC"))
    return converter.build()


def make(path, arrays, threads, pinning, channels_last=False):
    core = openvino.Core()
    model = core.read_model(path)
    if channels_last:
        model = with_pictures_last(model)
        arrays = {name: numpy.ascontiguousarray(array.transpose(0, 2, 3, 1)) if array.ndim == 4 else array
                  for name, array in arrays.items()}
    compiled = core.compile_model(model, "CPU", {
        "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32",
        "EXECUTION_MODE_HINT": "ACCURACY", "ENABLE_CPU_PINNING": pinning})
    request = compiled.create_infer_request()
    for name, array in arrays.items():
        request.set_tensor(name, openvino.Tensor(array, shared_memory=True))
    request.infer()
    y = numpy.array(request.get_output_tensor().data)
    request.set_output_tensor(openvino.Tensor(y, shared_memory=True))

    def run():
        request.infer(share_outputs=True)  # else it copies the bound output once more
        return y
    run.keep = arrays
    return run


def main():
    case, path, threads = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    arrays = inputs(case)
    makers = {"pinned": partial(make, path, arrays, threads, True), "free": partial(make, path, arrays, threads, False),
              "one thread": partial(make, path, arrays, 1, False)}
    if case.get("layout") == "nhwc":
        makers["free, nhwc"] = partial(make, path, arrays, threads, False, True)
    serve(openvino.__version__.split("-")[0], makers)


if __name__ == "__main__":
    main()
