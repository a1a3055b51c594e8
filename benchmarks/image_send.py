"""An image to four gateways behind slow links, beside what those links carry in plain TCP.

Needs root, systemd-container and mmdebstrap: the gateways are the tests' own.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.reporting import report
from tests.gateways.hosts import Gateway, gateways
from tests.registry.images import image
from yolodeploy.images.containerd import names_of
from yolodeploy.images.sending.contents import contents
from yolodeploy.images.sending.delivery import Delivery
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.registry.reference import Reference
from yolodeploy.oci.registry.tally import Tally
from yolodeploy.ops.home import Home
from yolodeploy.ssh.address import parse_address
from yolodeploy.ssh.connection import Connection, Patience
from yolodeploy.ssh.host_keys import HostKeys
from yolodeploy.ssh.pump import CHUNK
from yolodeploy.ssh.sockets import socket_folder

GATEWAYS, RATE, MB = 4, "8mbit", 1_000_000
MODEL = 12 * MB
SHARED = MODEL // GATEWAYS  # of the round in which all four have one link together
TARGETS = {
    "own_links_share": {"op": ">=", "value": 0.9},
    "shared_link_share": {"op": ">=", "value": 0.9},
    "cut_sent_again_mb": {"op": "<=", "value": CHUNK / MB},
}
_LISTENER = """
import socket, sys
with socket.create_server((sys.argv[1], 9)) as server:
    print("ready", flush=True)
    one, _ = server.accept()
    left = int(sys.argv[2])
    while left > 0:
        left -= len(one.recv(1 << 16)) or left
    one.sendall(b".")
"""


class Sender:
    """A home with images on one base, which every gateway has already."""

    def __init__(self, folder: Path, hosts: list[Gateway]) -> None:
        self.home = Home(folder / "home").create()
        with open_inventory(self.home.inventory):
            self.layout = Layout(self.home.layout).create()
        self._hosts = hosts
        self._base = os.urandom(MB)
        self._number = 0
        self.send(self.new(1000))

    def new(self, size: int) -> str:
        """A name of an image whose model has that many bytes."""
        self._number += 1
        name = f"model-{self._number}:v1"
        image(self.layout, name, self._base, os.urandom(size))
        return name

    def send(self, name: str) -> None:
        """As a person types it."""
        script = "import sys; from yolodeploy.cli.main import run; run()"
        words = [sys.executable, "-P", "-c", script, "image", "send", name]
        words += [host.root for host in self._hosts]
        environment = {"YOLODEPLOY_HOME": str(self.home.root), "PYTHONPATH": str(Path.cwd())}
        ended = subprocess.run(
            [*words, "--identity", self._hosts[0].key], env={**os.environ, **environment},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if ended.returncode:
            raise RuntimeError(ended.stderr)


def plain(hosts: list[Gateway], size: int) -> float:
    """Seconds in which the links carry that many bytes to each, in plain TCP."""
    listeners = [_listener(host, size) for host in hosts]
    try:
        with ThreadPoolExecutor(len(hosts)) as pool:
            return timed(lambda: list(pool.map(lambda host: _pour(host, size), hosts)))
    finally:
        for listener in listeners:
            listener.kill()
            listener.wait()


def _listener(host: Gateway, size: int) -> subprocess.Popen[bytes]:
    place = f"{host.network.name}-{host.number}"
    words = [sys.executable, "-c", _LISTENER, host.address, str(size)]
    process = subprocess.Popen(["ip", "netns", "exec", place, *words], stdout=subprocess.PIPE)
    if process.stdout is None or process.stdout.readline() != b"ready\n":
        raise RuntimeError(f"nobody listens at {host.address}")
    return process


def _pour(host: Gateway, size: int) -> None:
    with socket.create_connection((host.address, 9)) as link:
        link.sendall(os.urandom(size))
        link.recv(1)


def timed(act: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def cut_at_half(sender: Sender, host: Gateway, size: int) -> float:
    """Megabytes that the wire carries more because the link is cut at half."""
    whole = in_this_process(sender, host, size, cut=False)
    return (in_this_process(sender, host, size, cut=True) - whole) / MB


def in_this_process(sender: Sender, host: Gateway, size: int, *, cut: bool) -> int:
    """Bytes towards a host while an image is sent to it; a link is dead after three seconds."""
    name = sender.new(size)
    found = sender.layout.find(name)
    errors: list[object] = []
    tally = Tally(lambda _, again: errors.extend(again))
    before = host.network.bytes_to(host.number)
    with socket_folder() as folder:
        connection = Connection(
            "gateway", parse_address(host.root), HostKeys(sender.home.host_keys), folder,
            Patience(connect_s=3, alive_s=1, alive_count=3), host.key,
        )  # fmt: skip
        names = names_of(Reference("localhost", name.partition(":")[0], "v1"), found.digest)
        one = Delivery(
            sender.layout, contents(sender.layout, found.digest), names, connection, tally
        )
        plan = one.plan()
        thread = threading.Thread(target=one.run, args=(plan,))
        thread.start()
        while cut and one.moved_bytes < plan.to_send_bytes / 2:
            time.sleep(0.01)
        if cut:
            host.network.set_link(host.number, "down")
        while cut and not errors:
            tally.tell()
            time.sleep(0.01)
        host.network.set_link(host.number, "up")
        thread.join()
        connection.close()
    return host.network.bytes_to(host.number) - before


def measured(folder: Path, rounds: int) -> dict[str, float]:
    """Seconds and shares, medians of interleaved rounds."""
    with gateways(GATEWAYS) as hosts:
        sender = Sender(folder, hosts)
        network = hosts[0].network
        took: dict[str, list[float]] = {}

        def note(name: str, size: int) -> None:
            took.setdefault(f"{name}_plain_tcp_s", []).append(plain(hosts, size))
            image_name = sender.new(size)
            seconds = timed(lambda: sender.send(image_name))
            took.setdefault(f"{name}_s", []).append(seconds)

        for _ in range(rounds):
            for host in hosts:
                network.slow_down(RATE, host.number)
            note("own_links", MODEL)
            for host in hosts:
                network.speed_up(host.number)
            network.slow_down(RATE)
            note("shared_link", SHARED)
            network.speed_up()
        figures = {name: statistics.median(times) for name, times in took.items()}
        for name in ("own_links", "shared_link"):
            figures[f"{name}_share"] = figures[f"{name}_plain_tcp_s"] / figures[f"{name}_s"]
        network.slow_down(RATE, 1)
        figures["cut_sent_again_mb"] = cut_at_half(sender, hosts[0], SHARED)
        network.speed_up(1)
        figures["unlimited_s"] = timed(lambda: sender.send(sender.new(MODEL)))
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measured(Path(folder), 1 if arguments.quick else 3)
    report("image_send", figures, TARGETS, as_json=arguments.json)


if __name__ == "__main__":
    main()
