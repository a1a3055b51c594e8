"""`python -m yolodeploy.serve.keeper --cache FOLDER --offer JSON`: what the keeper's pod runs."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from pathlib import Path

import msgspec

from yolodeploy.core.engines import Offer
from yolodeploy.serve.keeper.answering import Answering
from yolodeploy.serve.keeper.taking import Taking

IDLE_S = 300.0
"""Who brings an engine over a bad link asks again long before; who is gone leaves nothing here."""


def main(arguments: list[str]) -> int:
    """Answer until nobody has asked for a while; 0 then."""
    given = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as process 1 it would be ignored
    try:
        taking = Taking(Path(given.cache), msgspec.json.decode(given.offer, type=Offer))
        taking.begin()
        answering = Answering((given.host, given.port), taking)
    except (OSError, msgspec.DecodeError) as error:
        print(f"the keeper cannot begin: {error}", file=sys.stderr)  # noqa: T201 (its log)
        return 1
    threading.Thread(target=answering.serve_forever, daemon=True).start()
    print(f"takes engines on port {answering.server_port}", file=sys.stderr, flush=True)  # noqa: T201
    while time.monotonic() - answering.asked_at < given.idle_s:
        time.sleep(1.0)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="yolodeploy.serve.keeper", description="Take TensorRT engines in before a switch."
    )
    parser.add_argument("--cache", required=True, help="the folder of engines")
    parser.add_argument("--offer", required=True, help="what may come, as JSON")
    parser.add_argument("--host", default="0.0.0.0")  # noqa: S104 (digests let nobody in)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--idle-s", type=float, default=IDLE_S)
    return parser


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
