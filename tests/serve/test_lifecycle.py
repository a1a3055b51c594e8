"""Beginning and ending: ports, signals, parents, and who waits for whom."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.errors import Refused
from yolodeploy.core.release import Serving
from yolodeploy.core.serving import ServeConfig

from ..oci.small_disk import small_disk
from .pictures import encoded, plain
from .running import CHECKOUT, Reply, Server, alive, ask, free_port, until

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
        assert server.process.wait(20) == 3
    (line,) = server.log.read_text().splitlines()
    assert "serve.port_taken" in line


def test_a_configuration_out_of_bounds_is_told(start: Start) -> None:
    server = start(port=99999)
    assert server.process.wait(20) == 2
    assert "serve.config_invalid" in server.log.read_text()


def test_a_stop_finishes_what_is_asked_and_exits_with_zero(start: Start, slow_model: Path) -> None:
    server = start(slow_model).wait_ready()
    with ThreadPoolExecutor(40) as pool:
        replies = [pool.submit(server.detect, PICTURE) for _ in range(40)]
        until(lambda: in_flight(server) > 5)
        assert server.stop() == 0
        # those that had not connected yet find nobody; whoever had is answered
        answered = [reply.result().status for reply in replies if reply.exception() is None]
        # 429: a machine so slow that the last would have waited over two seconds
        assert set(answered) <= {200, 429}
        assert answered.count(200) > 5
        refused = {type(reply.exception()) for reply in replies if reply.exception()}
        assert refused <= {ConnectionRefusedError}


def test_a_stop_while_the_model_loads_ends_at_once(start: Start, slow_model: Path) -> None:
    server = start(slow_model)
    until(lambda: server.address() is not None, server)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 8


def test_more_than_the_queue_holds_is_refused_at_once(start: Start, slow_model: Path) -> None:
    server = start(slow_model, serving=Serving(threads=1)).wait_ready()
    with ThreadPoolExecutor(75) as pool:
        replies = list(pool.map(lambda _: server.detect(PICTURE), range(75)))
    busy = [reply for reply in replies if reply.status == 429]
    assert {reply.status for reply in replies} == {200, 429}
    assert {reply.json["code"] for reply in busy} == {"serve.busy"}
    assert all(1 <= int(reply.headers["retry-after"]) <= 60 for reply in busy)
    epoch = server.report().epochs[-1]
    assert (epoch.requests, epoch.failures) == (75, len(busy))


def test_health_does_not_wait_behind_traffic(start: Start, slow_model: Path) -> None:
    server = start(slow_model).wait_ready()
    threads = [threading.Thread(target=server.detect, args=(PICTURE,)) for _ in range(40)]
    for thread in threads:
        thread.start()
    until(lambda: in_flight(server) > 20)
    assert server.ask("/healthz").status == 200
    assert in_flight(server) > 2
    for thread in threads:
        thread.join()


def test_a_body_that_never_ends_holds_no_worker(start: Start) -> None:
    server = start().wait_ready()
    address = server.address()
    assert address is not None
    head = b"POST /detect HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nabc"
    idle = [socket.create_connection(("127.0.0.1", address.port)) for _ in range(40)]
    for connection in idle:
        connection.sendall(head)
    assert server.detect(PICTURE).status == 200
    idle[0].settimeout(15)
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
    with socket.create_connection(("127.0.0.1", address.port), timeout=10) as connection:
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
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=10)
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
time.sleep(60)
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
        env=environment, timeout=60,
    )  # fmt: skip
    assert second.returncode == Refused.exit_code
    open_to_all, taken = second.stderr.splitlines()
    assert "serve.no_tokens" in open_to_all
    assert "另一个服务器" in taken
    process.terminate()
    stdout, stderr = process.communicate(timeout=20)
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
        server = start(slow_model, state_dir=str(disk / "state")).wait_ready()
        with suppress(OSError), (disk / "full").open("wb") as file:
            while True:
                file.write(bytes(4096))
                file.flush()
        with ThreadPoolExecutor(24) as pool:
            replies = [pool.submit(server.detect, PICTURE) for _ in range(24)]
            until(lambda: in_flight(server) > 2, server)
            assert server.stop() == 0, server.log.read_text()
            answered = [reply.result().status for reply in replies if reply.exception() is None]
            assert set(answered) == {200}
            assert len(answered) > 2
    assert "serve.state_folder" in server.log.read_text()
