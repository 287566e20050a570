#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that includes go one way between the floors of runtime/ and that OpenCL's names stay in runtime/device."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAY_INCLUDE = {
    "base": {"base"},
    "io": {"base", "io"},
    "device": {"base", "device"},
    "ops": {"base", "device", "ops"},
    "graph": {"base", "device", "ops", "graph"},
    "plugins": {"plugins"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([a-z]+)/', re.M)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
OPENCL = re.compile(r"\b(cl[A-Z]\w*|cl_(?:mem|context|device_id|command_queue|event|kernel|program|platform_id|int|uint|ulong)\b|"
                    r"CL_[A-Z]\w*|CLBlast\w*)")


def floor_errors(path):
    floor = path.relative_to(ROOT / "runtime").parts[0]
    for included in INCLUDE.findall(path.read_text()):
        if included not in MAY_INCLUDE[floor]:
            yield f"{path.relative_to(ROOT)}: {floor}/ may not include {included}/"


def opencl_errors(path):
    code = STRING.sub('""', COMMENT.sub("", path.read_text()))
    for name in sorted(set(OPENCL.findall(code))):
        yield f"{path.relative_to(ROOT)}: {name} belongs in runtime/device"


def main():
    errors = []
    for path in sorted((ROOT / "runtime").rglob("*.[ch]")):
        errors += floor_errors(path)
    for folder in ("runtime", "include", "tools", "bench"):
        for path in sorted((ROOT / folder).rglob("*.[ch]")):
            if "runtime/device/" in str(path) or path.name == "cl.h":
                continue
            errors += opencl_errors(path)
    print("\n".join(errors) or "layering: clean")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
