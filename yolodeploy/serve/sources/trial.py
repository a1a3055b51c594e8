"""`python -m yolodeploy.serve.sources.trial`: looks at one camera for a while, for `camera test`.

The wish comes as JSON on standard input, so that no password stands in a command line; the findings
leave as JSON on standard output.
"""

from __future__ import annotations

import asyncio
import sys
from time import perf_counter

import msgspec

from yolodeploy.core.camera_trial import Found, Trial
from yolodeploy.core.errors import Unreachable, YolodeployError
from yolodeploy.serve.sources.reading import Reading
from yolodeploy.serve.sources.wire import Opened

MOST_WISH = 1 << 20


async def look(trial: Trial) -> Found:
    """Read the camera as a server does.

    Raises:
        YolodeployError: `camera.*`.
    """
    began = perf_counter()
    reading = Reading(trial.camera, trial.user, trial.password)
    try:
        opened = await reading.opened()
        return await _watched(trial, reading, opened, began)
    finally:
        await reading.close()


async def _watched(trial: Trial, reading: Reading, opened: Opened, began: float) -> Found:
    first = last = await reading.fill(0)
    first_at = perf_counter()
    while last is not None and perf_counter() - first_at < trial.seconds:
        newest = await reading.fill(0)
        if newest is None:
            break
        last = newest
    seen = last or first
    frames = reading.progress.frames
    watched_s = perf_counter() - first_at
    return Found(
        codec=opened.codec,
        decoder=opened.decoder,
        width=seen.width if seen else opened.width,
        height=seen.height if seen else opened.height,
        first_s=first_at - began,
        frames=frames,
        fps=frames / watched_s if watched_s > 0 else 0.0,
        stream_fps=opened.fps,
        corrupt=reading.progress.corrupt,
        brightness=seen.brightness if seen else 0,
        ended=watched_s < trial.seconds,
    )


def main() -> int:
    """Read a `Trial`, print what was `Found`."""
    trial = msgspec.json.decode(sys.stdin.buffer.read(MOST_WISH), type=Trial)
    try:
        found = asyncio.run(look(trial))
    except YolodeployError as error:
        fields = {name: str(value) for name, value in error.fields.items()}
        found = Found(code=error.code, fields=fields, unreachable=isinstance(error, Unreachable))
    sys.stdout.buffer.write(msgspec.json.encode(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
