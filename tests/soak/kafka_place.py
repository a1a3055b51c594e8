"""A Kafka broker that can go away, and a reader of everything that comes to it.

    python -m tests.soak.kafka_place FILE

Prints where it is; `down` and `up` on standard input cut everybody off and let them in again. The
id of each message goes to FILE, a line each. Ends with its standard input.

The broker is a double (librdkafka's) and keeps 5 MB of a partition: a reader that comes back later
than the producer does finds the oldest gone. So ours says on standard error when the broker's own
numbers show that something was gone before it was read.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from pathlib import Path

import msgspec
from confluent_kafka import Consumer, TopicPartition

from tests.serve.sinks.kafka_cluster import KafkaCluster

TOPIC = "detections"
PARTITIONS = 8


class _Id(msgspec.Struct):
    id: str


def read_on(brokers: str, path: Path) -> None:
    """Write down the id of each message, as they come."""
    settings = {"bootstrap.servers": brokers, "group.id": "soak", "enable.auto.commit": False,
                "auto.offset.reset": "earliest", "reconnect.backoff.ms": 20,
                "reconnect.backoff.max.ms": 50, "log_level": 0}  # fmt: skip
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(TOPIC, number, 0) for number in range(PARTITIONS)])
    due: Counter[int | None] = Counter()
    with path.open("w", buffering=1) as file:
        while True:
            record = consumer.poll(1.0)
            if record is None or record.error() is not None:
                continue
            offset, partition = record.offset() or 0, record.partition()
            if offset > due[partition]:
                gone = offset - due[partition]
                print(f"the double threw {gone} messages away unread", file=sys.stderr, flush=True)
            due[partition] = offset + 1
            file.write(msgspec.json.decode(record.value(), type=_Id).id + "\n")


def main() -> None:
    cluster = KafkaCluster()
    cluster.create(TOPIC, PARTITIONS)
    target = (cluster.brokers, Path(sys.argv[1]))
    threading.Thread(target=read_on, args=target, daemon=True).start()
    print(cluster.brokers, flush=True)
    for line in sys.stdin:
        cluster.down() if line.strip() == "down" else cluster.up()


if __name__ == "__main__":
    main()
