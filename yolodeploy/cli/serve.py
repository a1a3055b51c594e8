"""`yolodeploy serve`: the inference server by hand, as it runs inside images."""

from __future__ import annotations

import os
import sys

import click


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="MODEL [--port N] …")
def serve(arguments: tuple[str, ...]) -> None:
    """Run the inference server on an ONNX file until Ctrl-C."""
    # the server is a program of its own: this process becomes it
    command = [sys.executable, "-P", "-m", "yolodeploy.serve", *arguments]
    os.execv(sys.executable, command)  # noqa: S606 (a fixed program, no shell)
