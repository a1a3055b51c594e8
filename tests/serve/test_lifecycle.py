"""Beginning and ending: ports, signals, parents, and who waits for whom."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tests.ports import free_port
from yolodeploy.core.errors import Refused
from yolodeploy.core.release import Serving
from yolodeploy.core.serving import ServeConfig

from ..oci.small_disk import small_disk
from .pictures import encoded, plain
from .raw import connected, one
from .raw import post as posted
from .running import CHECKOUT, LIMIT_S, Reply, Server, alive, ask, stopped, until
from .test_forms import form, part, post

if TYPE_CHECKING:
    from .conftest import Start

PICTURE = encoded(plain())


def in_flight(server: Server) -> float:
    text = server.ask("/metrics").body.decode()
    return float(re.findall(r"^yolodeploy_in_flight (.+)$", text, re.MULTILINE)[0])


def test_the_service_port_answers_when_the_model_does(start: Start) -> None:
    port = free_port()
    server = start(port=port).wait_ready()
    assert ask(port, "/readyz").status == 200
    assert ask(port, "/detect", PICTURE, method="POST").status == 200
    assert server.ask("/readyz").status == 200


def test_a_port_that_another_program_has_is_told_in_one_line(start: Start) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        server = start(port=other.getsockname()[1])
        assert server.ended() == 3
    (line,) = server.log.read_text().splitlines()
    assert "serve.port_taken" in line


def test_a_configuration_out_of_bounds_is_told(start: Start) -> None:
    server = start(port=99999)
    assert server.ended() == 2
    assert "serve.config_invalid" in server.log.read_text()


def asks_on(port: int) -> list[int]:
    """Ask on the shared port until nobody listens; whoever could connect must be answered."""
    found = []
    with suppress(ConnectionRefusedError):
        while True:
            found.append(ask(port, "/detect", PICTURE, method="POST").status)
    return found


def asked_to_the_end(server: Server, count: int) -> list[int]:
    """So many ask until it has ended, which it is told when half of them wait; the answers.

    Few enough that a busy machine has answered them within the ten seconds that a stop may take.
    """
    with ThreadPoolExecutor(count) as pool:
        clients = [pool.submit(asks_on, server.config.port) for _ in range(count)]
        until(lambda: in_flight(server) >= count / 2, server)
        assert server.stop() == 0, server.log.read_text()
        found = [status for client in clients for status in client.result()]
    assert set(found) == {200}
    return found


def test_a_stop_finishes_what_is_asked_and_exits_with_zero(start: Start, slow_model: Path) -> None:
    server = start(slow_model, port=free_port()).wait_ready()
    assert len(asked_to_the_end(server, 12)) > 5


def test_a_stop_while_the_model_loads_does_not_wait_for_it(start: Start, tmp_path: Path) -> None:
    endless = tmp_path / "model.onnx"
    os.mkfifo(endless)
    server = start(endless)
    until(lambda: server.address() is not None, server)
    with endless.open("wb"):  # nobody opens it before the server reads it
        assert server.stop() == 0


def test_more_than_the_queue_holds_is_refused_at_once(start: Start, slow_model: Path) -> None:
    patient = Serving(threads=1, deadline_ms=600_000)  # on a busy machine somebody waits for long
    server = start(slow_model, serving=patient).wait_ready()
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(server)) for _ in range(75)]
        with stopped(server):  # it finds all of them there, however slowly they came
            for client in clients:
                client.sendall(posted(PICTURE))
        replies = [one(client) for client in clients]
    busy = [reply for reply in replies if reply.status == 429]
    assert {reply.status for reply in replies} == {200, 429}
    assert {reply.code for reply in busy} == {"serve.busy"}
    waits_s = [int(re.findall(rb"\r\nretry-after: (\d+)\r\n", reply.head)[0]) for reply in busy]
    assert all(1 <= wait_s <= 60 for wait_s in waits_s)
    epoch = server.report().epochs[-1]
    assert (epoch.requests, epoch.failures) == (75, len(busy))


def test_health_does_not_wait_behind_traffic(start: Start, slow_model: Path) -> None:
    server = start(slow_model, serving=Serving(threads=1)).wait_ready()
    pictures = form(*[part(PICTURE)] * 16)
    with ThreadPoolExecutor(1) as beside:

        def answered_first() -> bool:
            batch = beside.submit(post, server, pictures)
            until(lambda: batch.done() or in_flight(server) > 0)
            assert server.ask("/healthz").status == 200
            first = not batch.done()
            assert batch.result().status == 200
            return first

        # this process may be fed nothing until the batch is through, but not every time
        assert any(answered_first() for _ in range(20))


def test_a_body_that_never_ends_holds_no_worker(start: Start) -> None:
    server = start().wait_ready()
    address = server.address()
    assert address is not None
    head = b"POST /detect HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nabc"
    idle = [socket.create_connection(("127.0.0.1", address.port)) for _ in range(40)]
    for connection in idle:
        connection.sendall(head)
    assert server.detect(PICTURE).status == 200
    idle[0].settimeout(LIMIT_S)
    answer = b"".join(iter(lambda: idle[0].recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"serve.body_slow" in answer
    assert b"connection: close" in answer
    for connection in idle:
        connection.close()


def test_a_head_that_never_ends_is_cut_off(start: Start) -> None:
    server = start().wait_ready()
    address = server.address()
    assert address is not None
    with socket.create_connection(("127.0.0.1", address.port), timeout=LIMIT_S) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        try:
            for _ in range(1000):
                connection.sendall(b"x-more: " + b"y" * 1000 + b"\r\n")
            answer = connection.recv(100)
        except (ConnectionResetError, BrokenPipeError):
            answer = b""
        assert not answer or answer.startswith(b"HTTP/1.1 431")
    assert server.ask("/healthz").status == 200


def test_several_requests_on_one_connection(start: Start) -> None:
    import http.client

    server = start().wait_ready()
    address = server.address()
    assert address is not None
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=LIMIT_S)
    statuses = []
    for body in (PICTURE, b"no picture", b"", PICTURE):
        connection.request("POST", "/detect", body)
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
    connection.close()
    assert statuses == [200, 415, 400, 200]


PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "yolodeploy.serve", "--config", sys.argv[1]])
time.sleep(600)
"""


def test_a_server_ends_with_its_parent(tmp_path: Path, model: Path) -> None:
    state = tmp_path / "state"
    config = ServeConfig(model=str(model), state_dir=str(state), exit_with_parent=True)
    path = tmp_path / "serve.json"
    path.write_bytes(msgspec.json.encode(config))
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(path)], cwd=CHECKOUT, stderr=subprocess.DEVNULL
    )
    try:
        until((state / "instance.json").exists)
        pid: int = msgspec.json.decode((state / "instance.json").read_bytes())["pid"]
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    until(lambda: not alive(pid))


def test_by_hand_a_model_and_a_port_are_enough(model: Path, tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "yolodeploy.serve", str(model), "--port", str(port)]
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "YOLODEPLOY_LANGUAGE": "zh"}
    environment.pop("YOLODEPLOY_HOME", None)
    process = subprocess.Popen(
        command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment,
    )  # fmt: skip

    def answered() -> bool:
        try:
            return ask(port, "/readyz").status == 200
        except OSError:
            return False

    until(answered)
    reply: Reply = ask(port, "/detect", PICTURE, method="POST")
    # another one on the same port would answer every second request
    second = subprocess.run(
        [*command, "--host", "0.0.0.0"], cwd=CHECKOUT, capture_output=True, text=True, check=False,
        env=environment, timeout=LIMIT_S,
    )  # fmt: skip
    assert second.returncode == Refused.exit_code
    open_to_all, taken = second.stderr.splitlines()
    assert "serve.no_tokens" in open_to_all
    assert "另一个服务器" in taken
    process.terminate()
    stdout, stderr = process.communicate(timeout=LIMIT_S)
    assert (reply.status, process.returncode, stdout) == (200, 0, "")
    first, last = stderr.splitlines()
    assert f"port {port}" in first
    assert "ONNX Runtime" in first
    assert "stopped" in last
    assert (tmp_path / "yolodeploy/serve" / str(port) / "epochs.msgpack").exists()


def test_a_full_disk_does_not_cut_off_who_waits_at_the_end(
    start: Start, slow_model: Path, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", "1m") as disk:
        state = str(disk / "state")
        server = start(slow_model, port=free_port(), state_dir=state).wait_ready()
        with stopped(server):  # or it would save, and with that make room, in the midst of this
            for place in (disk / "state").iterdir():
                if place.is_file():  # by another name too: what it takes away leaves no room
                    (disk / place.name).hardlink_to(place)
            with suppress(OSError), (disk / "full").open("wb") as file:
                while True:
                    file.write(bytes(4096))
                    file.flush()
        assert len(asked_to_the_end(server, 6)) > 2
    assert "serve.state_folder" in server.log.read_text()
