"""The unit of systemd that runs the controller, for the installation that is asked."""

from __future__ import annotations

import sys
from pathlib import Path

from yolodeploy.ops.shipped import shipped

SHIPPED = "/opt/yolodeploy/bin/yolodeploy"


def controller_unit() -> str:
    """The shipped unit, with the program that lies beside this Python.

    Raises:
        NotFound: `ops.not_shipped`.
    """
    text = (shipped("systemd") / "yolodeploy-controller.service").read_text()
    ours = Path(sys.executable).absolute().with_name("yolodeploy")
    # systemd reads a percent sign as the beginning of a specifier
    return text.replace(SHIPPED, str(ours).replace("%", "%%"))
