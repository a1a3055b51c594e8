"""MQTT 5 with QoS 1: a message is delivered when the broker has acknowledged it (PUBACK).

Each connection begins a clean session under a name that nobody else has: what was not
acknowledged is in the outbox and is published anew, so the broker need not remember us, and two
servers with the same settings do not throw one another out.
"""

from __future__ import annotations

import secrets
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from yolodeploy.core.errors import Unreachable, UsageError, YolodeployError
from yolodeploy.serve.secret_files import trust_of, user_and_password

try:
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
except ImportError as missing:
    raise UsageError("sink.library_missing", library="paho-mqtt") from missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paho.mqtt.client import ConnectFlags, DisconnectFlags
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from yolodeploy.core.site_settings import MqttSink
    from yolodeploy.serve.sinks.held import Held
    from yolodeploy.serve.sinks.places import Receipts

CONNECT_S = 10.0
KEEP_ALIVE_S = 15
MOST_IN_FLIGHT = 100
CAMERA = "{camera}"
# reason codes of MQTT 5 (section 2.4)
NOT_AUTHORIZED = 0x87
_CREDENTIALS = frozenset({0x86, NOT_AUTHORIZED, 0x8A, 0x8C})
# of a PUBACK: what is refused is this message, and the next one may do
_REFUSED = frozenset({0x90, 0x99})


class Mqtt:
    """A broker."""

    silence_s = 3.0 * KEEP_ALIVE_S

    def __init__(self, settings: MqttSink) -> None:
        """Check what can be checked without the broker.

        Raises:
            UsageError: `sink.credentials_file`, `sink.ca_file`, `sink.setting`.
        """
        self.window = MOST_IN_FLIGHT
        self._settings = settings
        self._connection: _Connection | None = None
        if {"+", "#", "\0"} & set(settings.topic) or settings.topic.startswith("$"):
            reason = "a topic to publish to has no + and #, and does not begin with $"
            raise UsageError("sink.setting", name=settings.name, reason=reason)
        user_and_password(settings.credentials_file, "sink.credentials_file")
        if settings.tls:
            trust_of(settings.ca_file, "sink.ca_file")

    def open(self, receipts: Receipts) -> None:
        """Connect."""
        self._connection = _Connection(self._settings, receipts)
        self._connection.open()
        # more than the broker takes at once would be a protocol error (receive maximum)
        self.window = min(MOST_IN_FLIGHT, self._connection.receive_maximum)

    def send(self, messages: Sequence[Held]) -> None:
        """Publish."""
        if self._connection is not None:
            for held in messages:
                self._connection.publish(held)

    def rest(self) -> None:
        """Nothing: the client's own thread keeps the connection alive."""

    def close(self, limit_s: float) -> None:
        """Disconnect."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


class _Connection:
    """One connection from its opening to its end; the client's own thread calls back."""

    def __init__(self, settings: MqttSink, receipts: Receipts) -> None:
        self.receive_maximum = 65_535
        self._settings = settings
        self._receipts = receipts
        self._address = f"{settings.host}:{settings.port}"
        self._answered = Event()
        self._error: YolodeployError | None = None
        self._largest = 0
        self._lock = Lock()
        # by message id: what is in flight, and what was acknowledged before we knew its id
        self._flying: dict[int, Held] = {}
        self._early: dict[int, ReasonCode] = {}
        self._client = self._made()

    def _made(self) -> Client:
        settings = self._settings
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"yolodeploy-{settings.name}-{secrets.token_hex(4)}",
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_S
        client.max_inflight_messages = 0  # `window` bounds it, and knows what the broker says
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_publish = self._acknowledged
        user, password = user_and_password(settings.credentials_file, "sink.credentials_file")
        if user:
            client.username_pw_set(user, password)
        if settings.tls:
            client.tls_set_context(trust_of(settings.ca_file, "sink.ca_file"))
        return client

    def open(self) -> None:
        settings = self._settings
        try:
            self._client.connect(settings.host, settings.port, KEEP_ALIVE_S, clean_start=True)
        except (OSError, ValueError) as error:  # ValueError: a host that is none
            raise self._unreachable(getattr(error, "strerror", None) or error) from error
        self._client.loop_start()
        if not self._answered.wait(CONNECT_S):
            raise self._unreachable("it does not answer")
        if self._error is not None:
            raise self._error

    def _unreachable(self, reason: object) -> Unreachable:
        return Unreachable("sink.unreachable", address=self._address, reason=reason)

    def _explained(self, reason: ReasonCode) -> Unreachable:
        if reason.value in _CREDENTIALS:
            return Unreachable("sink.credentials", address=self._address, reason=reason)
        return self._unreachable(reason)

    def _connected(
        self,
        client: Client,
        _: Any,
        flags: ConnectFlags,
        reason: ReasonCode,
        said: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._error = self._explained(reason)
        self.receive_maximum = getattr(said, "ReceiveMaximum", self.receive_maximum)
        self._largest = getattr(said, "MaximumPacketSize", 0)
        self._answered.set()

    def _disconnected(
        self,
        client: Client,
        _: Any,
        flags: DisconnectFlags,
        reason: ReasonCode,
        said: Properties | None,
    ) -> None:
        if self._error is None:
            said_so = flags.is_disconnect_packet_from_server
            lost = self._unreachable("the connection was lost")
            self._error = self._explained(reason) if said_so else lost
        self._answered.set()
        self._receipts.broke(self._error)

    def publish(self, held: Held) -> None:
        topic = self._settings.topic.replace(CAMERA, held.camera)
        # fixed header, topic, message id and the length of no properties
        size = len(held.body) + len(topic.encode()) + 10
        if self._largest and size > self._largest:
            # the broker would end the connection, again and again
            self._receipts.refused(held, f"the broker takes packets of {self._largest} bytes")
            return
        info = self._client.publish(topic, held.body, qos=1)
        if info.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN):
            self._receipts.broke(self._unreachable(info.rc.name))
            return
        with self._lock:
            early = self._early.pop(info.mid, None)
            if early is None:
                self._flying[info.mid] = held
        if early is not None:
            self._settle(held, early)

    def _acknowledged(
        self, client: Client, _: Any, mid: int, reason: ReasonCode, said: Properties
    ) -> None:
        with self._lock:
            held = self._flying.pop(mid, None)
            if held is None:
                self._early[mid] = reason
        if held is not None:
            self._settle(held, reason)

    def _settle(self, held: Held, reason: ReasonCode) -> None:
        if not reason.is_failure:
            self._receipts.delivered(held)
        elif reason.value in _REFUSED:
            self._receipts.refused(held, str(reason))
        else:
            self._receipts.broke(self._explained(reason))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
