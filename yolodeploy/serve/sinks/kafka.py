"""Kafka: an idempotent producer; a message is delivered when all replicas in sync have it.

librdkafka bridges outages of some seconds by itself, without loss and without doubles. When it
gives up, the producer is thrown away with all that it holds, and the outbox sends that again
through a new one. So a fatal error of idempotence needs nothing more.
"""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from yolodeploy.core.errors import Unreachable, UsageError, YolodeployError
from yolodeploy.serve.secret_files import trust_of, user_and_password

try:
    from confluent_kafka import KafkaError, KafkaException, Producer
except ImportError as missing:
    raise UsageError("sink.library_missing", library="confluent-kafka") from missing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from confluent_kafka import Message

    from yolodeploy.core.site_settings import KafkaSink
    from yolodeploy.serve.sinks.held import Held
    from yolodeploy.serve.sinks.places import Receipts

# to find the topic: a wrong password is seen after the first, a slow link needs the last
CONNECT_S = (1.0, 3.0, 6.0)
# from handing over to giving up; a broker that restarts is back by then
DELIVERY_S = 20.0
# of a request as librdkafka allows it; what is too large for a topic is for its broker to say
LARGEST_BYTES = 8 << 20

_CREDENTIALS = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)
_NO_TOPIC = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
    }
)
# the message's own fault: the next one may do
_REFUSED = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_RECORD,
    }
)

_BROKER = re.compile(r"\s*(\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):\d{1,5}\s*")

# librdkafka would write to stderr itself; what matters of it comes as an error
_unheard = logging.getLogger("yolodeploy.librdkafka")
_unheard.addHandler(logging.NullHandler())
_unheard.propagate = False


class Kafka:
    """A topic of a cluster."""

    window = 1000
    silence_s = 2 * DELIVERY_S

    def __init__(self, settings: KafkaSink) -> None:
        """Check what can be checked without the cluster.

        Raises:
            UsageError: `sink.credentials_file`, `sink.ca_file`, `sink.setting`.
        """
        self._settings = settings
        self._connection: _Connection | None = None
        if settings.ca_file:
            trust_of(settings.ca_file, "sink.ca_file")
        if not all(map(_BROKER.fullmatch, settings.brokers.split(","))):
            reason = "brokers are host:port, with commas between them"
            raise UsageError("sink.setting", name=settings.name, reason=reason)
        try:
            Producer(_configuration(settings), logger=_unheard)
        except KafkaException as error:
            raise UsageError("sink.setting", name=settings.name, reason=_text(error)) from error

    def open(self, receipts: Receipts) -> None:
        """Connect, and find the topic."""
        self._connection = _Connection(self._settings, receipts)
        self._connection.find_topic()

    def send(self, messages: Sequence[Held]) -> None:
        """Hand over to librdkafka."""
        if self._connection is not None:
            for held in messages:
                self._connection.send(held)

    def rest(self) -> None:
        """Nothing: librdkafka looks after its connections."""

    def close(self, limit_s: float) -> None:
        """Let what is in flight arrive, and forget the rest."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close(limit_s)


class _Connection:
    """A producer from its making to its end."""

    def __init__(self, settings: KafkaSink, receipts: Receipts) -> None:
        self._settings = settings
        self._receipts = receipts
        # what librdkafka said last of its connections: the reason when nothing arrives
        self._said: KafkaError | None = None
        self._broken = False
        configuration = {**_configuration(settings), "error_cb": self._trouble}
        self._producer = Producer(configuration, logger=_unheard)
        self._end = Event()
        name = f"sink-{settings.name}-kafka"
        self._poll = Thread(target=self._call_back, name=name, daemon=True)
        self._poll.start()

    def _call_back(self) -> None:
        try:
            while not self._end.is_set():
                self._producer.poll(1.0)
        except KafkaException as error:  # a fatal one
            self._break(error.args[0])

    def find_topic(self) -> None:
        for timeout_s in CONNECT_S:
            error = self._topic_missing(timeout_s)
            if error is None:
                return
            explained = self._explained(error)
            if explained.code != "sink.unreachable":
                break
        raise explained

    def _topic_missing(self, timeout_s: float) -> KafkaError | None:
        topic = self._settings.topic
        try:
            found = self._producer.list_topics(topic, timeout=timeout_s).topics.get(topic)
        except KafkaException as error:
            told: KafkaError = error.args[0]
            return told
        return KafkaError(KafkaError._UNKNOWN_TOPIC) if found is None else found.error

    def send(self, held: Held) -> None:
        def settled(error: KafkaError | None, message: Message) -> None:
            self._settled(held, error)

        try:
            self._produce(held, settled)
        except BufferError:
            # its queue holds what brokers have not taken; the outbox waits as well as we could
            self._break(KafkaError(KafkaError._QUEUE_FULL))
        except KafkaException as error:
            self._settled(held, error.args[0])

    def _produce(self, held: Held, settled: Callable[[KafkaError | None, Message], None]) -> None:
        key = held.camera.encode()
        self._producer.produce(self._settings.topic, held.body, key, on_delivery=settled)

    def _settled(self, held: Held, error: KafkaError | None) -> None:
        if error is None:
            self._said = None
            self._receipts.delivered(held)
        elif error.code() in _REFUSED:
            self._receipts.refused(held, error.str())
        else:
            self._break(error)

    def _break(self, error: KafkaError) -> None:
        self._broken = True
        self._receipts.broke(self._explained(error))

    def _trouble(self, error: KafkaError) -> None:
        """Go on, as librdkafka does by itself, unless that is of no use."""
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # the reason came, or comes, by itself
            self._said = error
        if error.fatal() or error.code() in _CREDENTIALS:
            self._break(error)

    def _explained(self, error: KafkaError) -> YolodeployError:
        settings = self._settings
        # a time-out says nothing; the connection's last words do
        told = {error.code(), self._said.code() if self._said is not None else error.code()}
        reason = (self._said or error).str()
        if told & _CREDENTIALS:
            return Unreachable("sink.credentials", address=settings.brokers, reason=reason)
        if error.code() in _NO_TOPIC:
            return Unreachable("sink.topic", topic=settings.topic, address=settings.brokers)
        return Unreachable("sink.unreachable", address=settings.brokers, reason=reason)

    def close(self, limit_s: float) -> None:
        self._end.set()
        with suppress(KafkaException):  # a fatal one, which is no news
            if not self._broken:
                self._producer.flush(limit_s)
            self._producer.purge(in_queue=True, in_flight=True)
            self._producer.flush(0)


def _configuration(settings: KafkaSink) -> dict[str, Any]:
    """What librdkafka is told.

    Raises:
        UsageError: `sink.credentials_file`.
    """
    user, password = user_and_password(settings.credentials_file, "sink.credentials_file")
    protocol = ("SASL_" if user else "") + ("SSL" if settings.tls else "PLAINTEXT")
    configuration: dict[str, Any] = {
        "bootstrap.servers": settings.brokers,
        "client.id": "yolodeploy",
        "security.protocol": protocol,
        "enable.idempotence": True,  # acks=all with it
        "partitioner": "murmur2_random",  # a camera's partition is that of Java's clients
        "compression.type": "lz4",
        "linger.ms": 10,
        "message.timeout.ms": int(DELIVERY_S * 1000),
        "message.max.bytes": LARGEST_BYTES,
        "socket.connection.setup.timeout.ms": int(sum(CONNECT_S) * 1000),
        "reconnect.backoff.ms": 250,
        "reconnect.backoff.max.ms": 2000,
    }
    if settings.ca_file:
        configuration["ssl.ca.location"] = settings.ca_file
    if user:
        configuration["sasl.mechanism"] = settings.sasl
        configuration["sasl.username"] = user
        configuration["sasl.password"] = password
    return configuration


def _text(error: KafkaException) -> str:
    said = error.args[0]
    return said.str() if isinstance(said, KafkaError) else str(said)
