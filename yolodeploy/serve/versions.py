"""Versions of packages, without loading them: TensorRT alone takes hundreds of megabytes."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from yolodeploy.core.engines import Software

_VERSION = re.compile(r"""^__version__\s*=\s*["']([0-9A-Za-z.+-]{1,40})["']""", re.MULTILINE)


def software() -> Software:
    """What engines are bound to of what this image has; empty where it has none."""
    return Software(tensorrt=written("tensorrt"), onnxruntime=written("onnxruntime"))


def written(package: str) -> str:
    """The version that a package's own file says; empty where it has none, or says none."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return ""
    found = _VERSION.search(Path(spec.origin).read_text("utf-8", errors="replace"))
    return found[1] if found else ""
