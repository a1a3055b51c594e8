"""A process that publishes until it is killed, and says what it has published.

    python -m tests.serve.sinks.publisher FOLDER PORT

A line a message on stdout: its frame, and when it was published (`time.monotonic`, which all
processes of a machine share).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from yolodeploy.core.site_settings import WebhookSink
from yolodeploy.serve.sinks.sinks import Sinks

from .messages import message


def main(folder: str, port: str) -> None:
    sinks = Sinks(Path(folder))
    sinks.follow([WebhookSink(name="hook", url=f"http://127.0.0.1:{port}/")])
    frame = 0
    while True:
        sinks.publish(message(frame))
        sys.stdout.write(f"{frame} {time.monotonic()}\n")
        sys.stdout.flush()
        frame += 1
        time.sleep(0.002)


if __name__ == "__main__":
    main(*sys.argv[1:])
