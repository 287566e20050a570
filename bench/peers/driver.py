# SPDX-License-Identifier: Apache-2.0
"""The OpenCL driver's own start, without plugcl: from clGetPlatformIDs to a queue on the first CPU, else on the first device."""
import ctypes
import ctypes.util
import json
import sys
import time

CPU, ALL = 2, 0xFFFFFFFF


def first_device(opencl):
    count = ctypes.c_uint()
    opencl.clGetPlatformIDs(0, None, ctypes.byref(count))
    platforms = (ctypes.c_void_p * count.value)()
    opencl.clGetPlatformIDs(count, platforms, None)
    for kind in (CPU, ALL):
        for platform in platforms:
            device = ctypes.c_void_p()
            if opencl.clGetDeviceIDs(ctypes.c_void_p(platform), ctypes.c_ulong(kind), 1, ctypes.byref(device), None) == 0:
                return device
    sys.exit("no OpenCL device")


def main():
    opencl = ctypes.CDLL(ctypes.util.find_library("OpenCL") or "libOpenCL.so.1")
    opencl.clCreateContext.restype = opencl.clCreateCommandQueue.restype = ctypes.c_void_p
    start, status = time.perf_counter(), ctypes.c_int()
    device = first_device(opencl)
    context = opencl.clCreateContext(None, 1, ctypes.byref(device), None, None, ctypes.byref(status))
    queue = opencl.clCreateCommandQueue(ctypes.c_void_p(context), device, ctypes.c_ulong(0), ctypes.byref(status))
    if not queue:
        sys.exit(f"no queue: status {status.value}")
    print(json.dumps({"driver_ms": (time.perf_counter() - start) * 1000}))


if __name__ == "__main__":
    main()
