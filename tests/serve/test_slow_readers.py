"""Who asks and does not read holds neither memory nor the end of the process."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from yolodeploy.serve.unread import EVERY_S, GRACE_S, SLOWEST, looked_at

from .limits import open_files
from .pictures import encoded, plain
from .raw import post
from .running import LIMIT_S, until

if TYPE_CHECKING:
    from .conftest import Start


def cut_after(sizes: list[int]) -> int | None:
    """At which look a connection with such backlogs is cut off."""
    backlog = None
    for number, unsent in enumerate(sizes):
        backlog = looked_at(backlog, unsent, number * EVERY_S)
        if backlog is not None and backlog.late(number * EVERY_S):
            return number
    return None


@given(st.integers(1, 100 << 20))
def test_who_reads_nothing_is_cut_off_soon(unsent: int) -> None:
    assert cut_after([unsent] * 20) == GRACE_S / EVERY_S + 1


@given(st.integers(1, 100 << 20), st.floats(1.0, 100.0))
def test_who_reads_as_fast_as_a_bad_link_is_not(unsent: int, faster: float) -> None:
    read = round(SLOWEST * EVERY_S * faster) + 1
    assert cut_after(list(range(unsent, 0, -read))) is None


@given(st.lists(st.integers(1, 1 << 20), min_size=2, max_size=200))
def test_who_is_always_asked_for_more_is_not(sizes: list[int]) -> None:
    """A client that works: each look finds another answer on its way."""
    assert cut_after([size for one in sizes for size in (one, 0)]) is None


def test_answers_that_nobody_reads_are_dropped(start: Start) -> None:
    """An annotated picture of 2,400 × 1,800 is 4 MB; a hundred of them would stay for ever."""
    server = start().wait_ready()
    address = server.address()
    assert address is not None
    tiles = np.random.default_rng(0).integers(0, 255, (1800, 2400, 3), np.uint8)
    picture = encoded(Image.fromarray(tiles))
    assert len(server.detect(picture, "?format=annotated").body) > 2_000_000
    files = open_files(server)
    with ExitStack() as stack:
        for _ in range(5):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(LIMIT_S)
            connection.connect(("127.0.0.1", address.port))
            connection.sendall(post(picture, path="/detect?format=annotated"))
        until(lambda: open_files(server) > files + 2)
        until(lambda: open_files(server) <= files)
        assert server.detect(encoded(plain())).status == 200


def test_the_end_does_not_wait_for_who_does_not_read(start: Start) -> None:
    server = start().wait_ready()
    address = server.address()
    assert address is not None
    picture = encoded(plain(3000, 2000), "PNG")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(LIMIT_S)
        connection.connect(("127.0.0.1", address.port))
        connection.sendall(post(picture, path="/detect?format=annotated"))
        connection.recv(1)
        assert server.stop() == 0
