"""A release that is exchanged while a place is away: the next server delivers what is left."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.ports import free_port

from ..running import CHECKOUT, until
from .webhook_server import WebhookServer

pytest.importorskip("av", reason="PyAV is not installed: pip install -e '.[streams]'")

if TYPE_CHECKING:
    from ..conftest import Start
    from ..running import Server

FRAMES = CHECKOUT / "examples/brake_disc/frames"
COUNT = len(list(FRAMES.glob("*.jpg")))


def sink(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = server.ask("/sinks").json[0]
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_next_server_delivers_what_the_last_one_could_not(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    port = free_port()
    hook = f'[[sinks]]\nkind = "webhook"\nname = "hook"\nurl = "http://127.0.0.1:{port}/"\n'
    camera = f'[[cameras]]\nname = "belt"\nurl = "{FRAMES}"\n'
    settings = tmp_path / "site.toml"
    settings.write_text(camera + hook)
    shared = {"settings": str(settings), "spools": str(tmp_path / "spools")}
    old = start(**shared).wait_ready()
    until(lambda: sink(old)["spooled"] == COUNT, old)
    # the pictures were looked at once; the next server shall only deliver
    settings.write_text(hook)
    new = start(**shared).wait_ready()
    until(lambda: "sink.spool_taken" in new.log.read_text(), new)
    assert sink(new)["held"] == 0
    old.stop(number)
    until(lambda: sink(new)["held"] == COUNT, new)
    place = WebhookServer(port=port)
    try:
        until(lambda: sink(new)["delivered"] == COUNT, new)
        assert len({posted.headers["x-message-id"] for posted in place.posted}) == COUNT
    finally:
        place.close()
