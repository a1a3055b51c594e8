"""Which names a checkpoint may ask for. A pickle is a program, and these are its only words.

What `TORCH` has is torch's own and is used as torch's weights-only loader uses it. What lies in
`RECORDED` is never looked up and never called: a record takes its place (`records`), so that even a
class whose constructor downloads something is a name and no more.
"""

from __future__ import annotations

import re

STORAGES = tuple(
    f"{kind}Storage"
    for kind in (
        "Float", "Half", "BFloat16", "Double", "Long", "Int", "Short", "Char", "Byte", "Bool",
    )
)  # fmt: skip
TYPES = (
    "float16", "float32", "float64", "bfloat16", "int8", "int16", "int32", "int64", "uint8", "bool",
)  # fmt: skip

TORCH = frozenset(
    {
        "collections.OrderedDict",
        "builtins.set",
        "_codecs.encode",
        "torch.Size",
        "torch.device",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_parameter",
        *(f"torch.{name}" for name in (*STORAGES, *TYPES)),
    }
)

# where the classes lie that are in checkpoints of ultralytics 8.0 to 8.4
RECORDED = re.compile(
    r"""torch\.nn\.modules\.[a-z_]+\.\w+
    | ultralytics\.nn\.(?:tasks|modules(?:\.[a-z_]+)?)\.\w+
    | ultralytics\.(?:yolo\.)?utils(?:\.[a-z_]+)?\.\w+
    | pathlib(?:\._local)?\.(?:Posix|Windows|PurePosix|PureWindows)?Path
    | numpy(?:\._?core\.multiarray)?\.(?:scalar|dtype|ndarray|_reconstruct)""",
    re.ASCII | re.VERBOSE,
)

_BUILTINS = {"__builtin__": "builtins"}  # what Python 2 called it, and protocol 2 still does


def full_name(module: str, name: str) -> str:
    """`builtins.set` for `__builtin__` and `set`."""
    return f"{_BUILTINS.get(module, module)}.{name}"


def is_recorded(full: str) -> bool:
    """Whether a record stands in for it."""
    return RECORDED.fullmatch(full) is not None


def is_allowed(full: str) -> bool:
    """Whether a checkpoint may name it."""
    return full in TORCH or is_recorded(full)
