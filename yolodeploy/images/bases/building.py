"""Running a build: its lines as they come, stopped when a person stops, and why it failed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from yolodeploy.core.errors import Failed
from yolodeploy.images.bases.build_log import BuildLog, Said
from yolodeploy.images.bases.builders import Builder
from yolodeploy.images.bases.causes import failure

_STOP_S = 10.0  # BuildKit ends its steps within a second or two of being told


class Order(NamedTuple):
    """What is to be built. Secrets are files that the builder may read and no layer keeps."""

    context: Path
    dockerfile: Path
    arguments: Mapping[str, str]
    tag: str
    platform: str = ""
    network: str = ""
    no_cache: bool = False
    secrets: Mapping[str, Path] = {}


def command(builder: Builder, order: Order) -> list[str]:
    """The command line; nothing secret is in it."""
    words = [*builder.command, "--progress", "plain", "--file", str(order.dockerfile)]
    words += ["--tag", order.tag]
    for name, value in order.arguments.items():
        words += ["--build-arg", f"{name}={value}"]
    for name, path in order.secrets.items():
        words += ["--secret", f"id={name},src={path}"]
    if order.platform:
        words += ["--platform", order.platform]
    if order.network:
        words += ["--network", order.network]
    if order.no_cache:
        words += ["--no-cache"]
    if builder.loads:
        words += ["--load"]
    return [*words, str(order.context)]


def run_build(
    builder: Builder,
    order: Order,
    heard: Callable[[Said], None],
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Build, and tell `heard` each line.

    Raises:
        Failed: `base.not_started`; everything of `causes.failure`.
        KeyboardInterrupt: A person stopped it; the builder was told.
    """
    log = BuildLog()
    try:
        process = subprocess.Popen(
            command(builder, order), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace",
            env={**environment, **builder.environment},
            start_new_session=True,  # Ctrl-C comes to us, and from us to it
        )  # fmt: skip
    except OSError as error:
        raise Failed("base.not_started", path=builder.docker, reason=error.strerror) from error
    try:
        for line in process.stdout or ():
            said = log.read(line)
            if said:
                heard(said)
        process.wait()
    except BaseException:
        _stop(process)
        raise
    if process.returncode:
        raise failure(log, order.arguments.get("BASE", ""))


def _stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
