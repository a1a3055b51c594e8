"""The bounds of what a configuration may say; decoding has checked the types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yolodeploy.core.errors import UsageError

if TYPE_CHECKING:
    from yolodeploy.core.serving import ServeConfig

MOST_THREADS = 1024
LARGEST_PORT = 65535


def checked(config: ServeConfig) -> ServeConfig:
    """`config` itself when every figure is within its bounds.

    Raises:
        UsageError: `serve.config_invalid`.
    """
    serving = config.serving
    bounds = {
        "port": (config.port, 0, LARGEST_PORT),
        "instance_port": (config.instance_port, 0, LARGEST_PORT),
        "conf": (serving.conf, 0, 1),
        "iou": (serving.iou, 0, 1),
        "max_det": (serving.max_det, 1, 100_000),
        "threads": (serving.threads, 0, MOST_THREADS),
    }
    for name, (value, least, most) in bounds.items():
        if not least <= value <= most:  # NaN neither
            raise UsageError("serve.config_invalid", reason=f"{name} {value}: {least} to {most}")
    return config
