"""A Kafka cluster: librdkafka's own mock broker, over real sockets.

Its functions to cut brokers off, slow them down and have them answer with errors are C only.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import confluent_kafka
from confluent_kafka import Consumer, TopicPartition

from ..running import LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Iterator

PRODUCE = 0
ALL_BROKERS = -1


@cache
def _library() -> ctypes.CDLL:
    folder = Path(confluent_kafka.__file__).parent.with_name("confluent_kafka.libs")
    library = ctypes.CDLL(str(next(folder.glob("librdkafka*.so*"))))
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for name, result, arguments in (
        ("conf_new", pointer, []),
        ("new", pointer, [number, pointer, text, ctypes.c_size_t]),
        ("destroy", None, [pointer]),
        ("mock_cluster_new", pointer, [pointer, number]),
        ("mock_cluster_destroy", None, [pointer]),
        ("mock_cluster_bootstraps", text, [pointer]),
        ("mock_broker_set_down", number, [pointer, ctypes.c_int32]),
        ("mock_broker_set_up", number, [pointer, ctypes.c_int32]),
        ("mock_broker_set_rtt", number, [pointer, ctypes.c_int32, number]),
        ("mock_topic_create", number, [pointer, text, number, number]),
        ("mock_topic_set_error", None, [pointer, text, number]),
        (
            "mock_push_request_errors_array",
            None,
            [pointer, ctypes.c_int16, ctypes.c_size_t, ctypes.POINTER(number)],
        ),
    ):
        function = getattr(library, f"rd_kafka_{name}")
        function.restype = result
        function.argtypes = arguments
    return library


class KafkaCluster:
    """One broker."""

    def __init__(self) -> None:
        self._library = _library()
        said = ctypes.create_string_buffer(256)
        self._handle = self._library.rd_kafka_new(
            0, self._library.rd_kafka_conf_new(), said, len(said)
        )
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._handle, 1)
        self.brokers = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def create(self, topic: str, partitions: int = 3) -> None:
        self._library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), partitions, 1)

    def down(self) -> None:
        """Cut everybody off, and let nobody in."""
        self._library.rd_kafka_mock_broker_set_down(self._cluster, ALL_BROKERS)

    def up(self) -> None:
        self._library.rd_kafka_mock_broker_set_up(self._cluster, ALL_BROKERS)

    def delay(self, milliseconds: int) -> None:
        """Answer everything so much later."""
        self._library.rd_kafka_mock_broker_set_rtt(self._cluster, ALL_BROKERS, milliseconds)

    def fail(self, errors: list[int], request: int = PRODUCE) -> None:
        """Answer the next requests with these errors."""
        codes = (ctypes.c_int * len(errors))(*errors)
        self._library.rd_kafka_mock_push_request_errors_array(
            self._cluster, request, len(errors), codes
        )

    def topic_error(self, topic: str, error: int) -> None:
        """Answer who looks for the topic with an error (0: with the topic)."""
        self._library.rd_kafka_mock_topic_set_error(self._cluster, topic.encode(), error)

    def bodies(self, topic: str) -> list[bytes]:
        """What is in the topic, in order within each partition."""
        return [body for _, body in self.records(topic)]

    def records(self, topic: str) -> list[tuple[bytes | None, bytes]]:
        return list(self._read(topic))

    def _read(self, topic: str) -> Iterator[tuple[bytes | None, bytes]]:
        consumer = Consumer({"bootstrap.servers": self.brokers, "group.id": "tests"})
        try:
            partitions = consumer.list_topics(topic, timeout=LIMIT_S).topics[topic].partitions
            for number in partitions:
                low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), LIMIT_S)
                consumer.assign([TopicPartition(topic, number, low)])
                for _ in range(high - low):
                    record = consumer.poll(LIMIT_S)
                    assert record is not None, "a record did not come"
                    assert record.error() is None, record.error()
                    yield record.key(), record.value()
        finally:
            consumer.close()

    def close(self) -> None:
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._handle)
