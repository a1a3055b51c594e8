"""The bounds of what a configuration may say; decoding has checked the types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.errors import UsageError

if TYPE_CHECKING:
    from yolodeploy.core.serving import ServeConfig

MOST_THREADS = 1024
LARGEST_PORT = 65535
_OPTIONAL = (
    ("batch", 1, 256),
    ("batch_wait_ms", 0.0, 1000.0),
    ("deadline_ms", 1.0, 600_000.0),
)


def checked(config: ServeConfig) -> ServeConfig:
    """`config` itself when every figure is within its bounds.

    Raises:
        UsageError: `serve.config_invalid`.
    """
    serving = config.serving
    bounds: dict[str, tuple[float, float, float]] = {
        "port": (config.port, 0, LARGEST_PORT),
        "instance_port": (config.instance_port, 0, LARGEST_PORT),
        "conf": (serving.conf, 0, 1),
        "iou": (serving.iou, 0, 1),
        "max_det": (serving.max_det, 1, 100_000),
        "threads": (serving.threads, 0, MOST_THREADS),
        "vram_mb": (config.vram_mb, 0, 1 << 24),
    }
    for name, least, most in _OPTIONAL:
        value = getattr(serving, name)
        if value is not msgspec.UNSET:
            bounds[name] = (value, least, most)
    for name, (value, least, most) in bounds.items():
        if not least <= value <= most:  # NaN neither
            raise UsageError("serve.config_invalid", reason=f"{name} {value}: {least} to {most}")
    return config
