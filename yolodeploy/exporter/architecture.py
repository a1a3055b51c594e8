"""The description of a network in its checkpoint, checked before ultralytics builds from it.

It is the file's author's text, and ultralytics evaluates parts of it as Python: the activation, and
any name of its own module as a layer. So layers, activations and arguments are taken from tables.
"""

from __future__ import annotations

import re
from typing import Any

from .errors import Refused

# ultralytics.nn.modules of 8.4.190, without what loads files or needs another package
_LAYERS = """
Conv Conv2 ConvTranspose LightConv DWConv DWConvTranspose2d RepConv GhostConv Focus Concat
Index CBAM ChannelAttention SpatialAttention
Bottleneck BottleneckCSP GhostBottleneck C1 C2 C2f C2fAttn C2fCIB C2fPSA C2PSA C3 C3Ghost C3TR
C3k C3k2 C3x RepC3 A2C2f PSA SCDown CIB SPP SPPF SPPELAN ELAN1 ADown AConv RepNCSPELAN4 CBFuse
CBLinear DFL HGBlock HGStem Proto ResNetLayer AIFI
Detect Segment Pose OBB Classify RTDETRDecoder v10Detect Segment26 Pose26 OBB26
nn.BatchNorm2d nn.Conv2d nn.ConvTranspose2d nn.Identity nn.MaxPool2d nn.Upsample nn.ZeroPad2d
nn.AvgPool2d nn.AdaptiveAvgPool2d Silence
"""
LAYERS = frozenset(_LAYERS.split())
_ACTIVATION = re.compile(
    r"(?:torch\.)?nn\.(?:SiLU|ReLU|ReLU6|LeakyReLU|Hardswish|GELU|Mish|ELU|Identity)"
    r"\((?:inplace=(?:True|False)|\d?\.\d{1,4})?\)",
    re.ASCII,
)
_WORD = re.compile(r"[A-Za-z0-9_. -]{0,30}", re.ASCII)
_NUMBERS = ("nc", "depth_multiple", "width_multiple", "reg_max", "ch", "channels")
MOST_LAYERS = 500
LARGEST = 100_000  # of any figure: channels, classes, repeats
DEEPEST = 4


def checked(description: object) -> dict[str, Any]:
    """What ultralytics may build from, and nothing else of what was there.

    Raises:
        Refused: `export.unknown_layer`, `export.description`, `export.channels`.
    """
    if not isinstance(description, dict):
        raise Refused("export.description", field="yaml", value=type(description).__name__)
    found: dict[str, Any] = {}
    for field in _NUMBERS:
        if description.get(field) is not None:
            found[field] = _plain(field, description[field])
    channels = found.get("channels", found.pop("ch", 3))
    if channels != 3:
        raise Refused("export.channels", channels=channels)
    for field in ("scale", "scales", "kpt_shape", "end2end", "inplace"):
        if description.get(field) is not None:
            found[field] = _plain(field, description[field])
    activation = description.get("activation")
    if activation is not None:
        if not (isinstance(activation, str) and _ACTIVATION.fullmatch(activation)):
            raise Refused("export.description", field="activation", value=activation)
        found["activation"] = activation
    for part in ("backbone", "head"):
        found[part] = _rows(part, description.get(part))
    return found


def _rows(part: str, rows: object) -> list[list[Any]]:
    if not isinstance(rows, (list, tuple)) or not 1 <= len(rows) <= MOST_LAYERS:
        raise Refused("export.description", field=part, value=type(rows).__name__)
    return [_row(part, row) for row in rows]


def _row(part: str, row: object) -> list[Any]:
    match row:
        case [int() | [*_] as source, int() as repeats, str() as layer, [*arguments]]:
            if layer not in LAYERS:
                raise Refused("export.unknown_layer", name=layer)
            return [_plain(part, source), _plain(part, repeats), layer, _plain(part, arguments)]
    raise Refused("export.description", field=part, value=row)


def _plain(field: str, value: object, depth: int = 0) -> Any:
    """Numbers in bounds, short words, and lists of them."""
    if depth > DEEPEST:
        raise Refused("export.description", field=field, value="it is nested too deeply")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)) and abs(value) <= LARGEST:
        return value
    if isinstance(value, str) and _WORD.fullmatch(value):
        return value
    if isinstance(value, (list, tuple)) and len(value) <= MOST_LAYERS:
        return [_plain(field, item, depth + 1) for item in value]
    if isinstance(value, dict) and len(value) <= 20:
        return {_plain(field, key, DEEPEST): _plain(field, item, depth + 1)
                for key, item in value.items()}  # fmt: skip
    raise Refused("export.description", field=field, value=value)
