"""`python -m yolodeploy.serve.sources.reader`: reads one camera for one server.

It is given the number of a socket, over which it hears what to read: nothing of it stands in its
command line or environment. It ends with the server.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
import traceback
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING

from yolodeploy.core.camera_address import address_of
from yolodeploy.core.errors import Failed, YolodeployError
from yolodeploy.serve.parent import end_with
from yolodeploy.serve.sources.line import Line
from yolodeploy.serve.sources.newest import Unfit
from yolodeploy.serve.sources.slots import LARGEST_SLOT
from yolodeploy.serve.sources.wire import Broken, Ended, Fill, Order

if TYPE_CHECKING:
    from yolodeploy.serve.sources.canvas import Canvas
    from yolodeploy.serve.sources.folder import Folder
    from yolodeploy.serve.sources.stream import Stream
    from yolodeploy.serve.sources.wire import Filled

# 16 reference pictures of 50 megapixels and some; address space as such is no measure, GPU
# drivers take hundreds of gigabytes of it
MOST_MEMORY = 4 << 30
TICK_S = 0.25


def main(arguments: list[str]) -> int:
    """Read until there is nothing more, the server is gone, or all hope is."""
    line = Line(socket.socket(fileno=int(arguments[0])))
    order = line.hear()
    if not isinstance(order, Order):
        return 1
    try:
        _bound(order)
        source = _source(order, line)
        Thread(target=_guarded, args=(order, source, line), daemon=True).start()
        source.run()
        # the other thread ends the process, when the server has had the last frame
        while True:
            sleep(TICK_S)
            line.well()
    except YolodeployError as error:
        line.say(Broken(code=error.code, fields=error.fields))
    except OSError:
        pass  # the server is gone
    return 1


def _bound(order: Order) -> None:
    """Bind this process to its server and to its limits."""
    # a stopped process would not hear of SIGTERM
    end_with(order.server, signal.SIGKILL)
    # a picture of memory belongs into no file, least of all with a password in it
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_SLOT, LARGEST_SLOT))
    if order.camera.decoder == "cpu":
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))


def _source(order: Order, line: Line) -> Stream | Folder:
    camera = order.camera
    address = address_of(camera.url)
    if address.kind == "path" and _is_folder(camera.url):
        from yolodeploy.serve.sources.folder import Folder

        return Folder(Path(camera.url), camera, line, order.after)
    from yolodeploy.serve.sources.stream import Stream

    url = address.with_credentials(order.user, order.password)
    return Stream(address, url, camera, line, order.after)


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except OSError:
        return False  # whoever opens it says why


def _guarded(order: Order, source: Stream | Folder, line: Line) -> None:
    """Answer the server; whatever ends that ends the process."""
    code = 0
    try:
        _answer(order, source, line)
    except YolodeployError as error:
        line.say(Broken(code=error.code, fields=error.fields))
    except OSError:
        code = 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stderr.flush()
    os._exit(code)


def _answer(order: Order, source: Stream | Folder, line: Line) -> None:
    from yolodeploy.serve.sources.canvas import Canvas

    canvas = Canvas(order.slots, order.camera.region)
    while isinstance(asked := line.hear(), Fill):
        filled = _filled(asked.slot, source, canvas, line, order.camera.stall_s)
        line.say(filled or Ended())
        if filled is None:
            return


def _filled(
    number: int, source: Stream | Folder, canvas: Canvas, line: Line, stall_s: float
) -> Filled | None:
    """The next frame that can be converted, in a slot; None behind the last one."""
    unfit_since_s: float | None = None
    while (frame := source.next()) is not None:
        try:
            return canvas.filled(number, frame, line.progress())
        except Unfit:
            line.tally.unfit += 1
        if unfit_since_s is None:
            unfit_since_s = monotonic()
        elif monotonic() - unfit_since_s > stall_s:
            raise Failed("camera.no_video")
    return None


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    # FFmpeg may still be inside a thread, which would crash the interpreter's tidy end
    os._exit(code)
