"""One binary, many commands: by its first word, or by the name of the link that it was called by."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from . import baked, places

LINKS = ("kubectl", "crictl", "ctr")


def main(argv: list[str]) -> int:
    """The exit code."""
    name, arguments = Path(argv[0]).name, argv[1:]
    command, rest = (
        (name, arguments) if name in LINKS else ((arguments or ["help"])[0], arguments[1:])
    )
    if command in ("--version", "-v"):
        print(f"k3s version {baked.VERSION} ({baked.COMMIT})\ngo version go1.26.1")
        return 0
    if command in ("server", "agent"):
        return _start(command, rest)
    if command == "kubectl":
        from .kubectl import main as kubectl

        return kubectl(rest)
    if command == "ctr":
        words = ["ctr", "--address", str(places.SOCKET)]
        words += (
            [] if any(one in ("-n", "--namespace") for one in rest) else ["--namespace", "k8s.io"]
        )
        os.execvp("ctr", [*words, *rest])
    from . import tools

    return tools.main(command, rest)


def _start(command: str, arguments: list[str]) -> int:
    from . import agent, options, server
    from .said import Fatal, say

    try:
        if text := places.fault("start_fails"):
            raise Fatal(text)
        time.sleep(float(places.fault("slow_start_s", 0)))
        if os.geteuid() != 0:
            raise Fatal("must run as root unless --rootless is specified")
        found = options.read(command, arguments)
        (server if command == "server" else agent).run(found)
    except Fatal as err:
        say("fatal", str(err))
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\n")
    return 0
