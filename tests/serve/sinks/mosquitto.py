"""An MQTT broker (Debian's mosquitto) as a process, and somebody who listens to it."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.ports import free_port

from ..running import LIMIT_S, until

if TYPE_CHECKING:
    from pathlib import Path

MOSQUITTO = "/usr/sbin/mosquitto"


class Mosquitto:
    """A broker that keeps its port, and what subscribers have not had, over a restart."""

    def __init__(self, folder: Path, *settings: str, user: str = "", password: str = "") -> None:
        if not shutil.which(MOSQUITTO):
            pytest.skip("mosquitto is not installed")
        folder.mkdir()
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        lines = [
            "user root",
            f"listener {self.port} 127.0.0.1",
            "persistence true",
            f"persistence_location {folder}/",
            "max_queued_messages 0",
            *settings,
        ]
        if user:
            passwords = folder / "passwords"
            command = ["mosquitto_passwd", "-b", "-c", str(passwords), user, password]
            subprocess.run(command, check=True, capture_output=True)
            lines += [f"password_file {passwords}", "allow_anonymous false"]
        else:
            lines.append("allow_anonymous true")
        self._config.write_text("\n".join(lines) + "\n")
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [MOSQUITTO, "-c", str(self._config)], stdout=log, stderr=log
            )
        until(self._listens)

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
            self._process.wait(LIMIT_S)
            self._process = None

    def freeze(self) -> None:
        """Have it answer nothing, with its connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


class Listener:
    """A subscriber whose messages the broker keeps while it is not connected."""

    def __init__(self, broker: Mosquitto, topic: str, user: str = "", password: str = "") -> None:
        self.received: list[tuple[str, bytes]] = []
        self._subscribed = False
        self._client = Client(
            CallbackAPIVersion.VERSION2, "listener", protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.on_message = self._message
        self._client.on_subscribe = self._subscribe
        self._client.reconnect_delay_set(1, 1)
        if user:
            self._client.username_pw_set(user, password)
        session = Properties(PacketTypes.CONNECT)
        session.SessionExpiryInterval = 3600
        self._client.connect("127.0.0.1", broker.port, clean_start=False, properties=session)
        self._client.loop_start()
        self._client.subscribe(topic, qos=1)
        until(lambda: self._subscribed)

    def _message(self, client: Client, _: Any, message: Any) -> None:
        self.received.append((message.topic, message.payload))

    def _subscribe(self, *_: Any) -> None:
        self._subscribed = True

    def bodies(self) -> list[bytes]:
        return [body for _, body in list(self.received)]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
