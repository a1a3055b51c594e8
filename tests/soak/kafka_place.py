"""A Kafka broker that can go away, and a reader of everything that comes to it.

    python -m tests.soak.kafka_place FILE

Prints where it is; `down` and `up` on standard input cut everybody off and let them in again. The
id of each message goes to FILE, a line each. Ends with its standard input.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import msgspec
from confluent_kafka import Consumer, TopicPartition

from tests.serve.sinks.kafka_cluster import KafkaCluster

TOPIC = "detections"
PARTITIONS = 2


class _Id(msgspec.Struct):
    id: str


def read_on(brokers: str, path: Path) -> None:
    """Write down the id of each message, as they come."""
    settings = {"bootstrap.servers": brokers, "group.id": "soak", "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "log_level": 0}  # fmt: skip
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(TOPIC, number, 0) for number in range(PARTITIONS)])
    with path.open("w", buffering=1) as file:
        while True:
            record = consumer.poll(1.0)
            if record is not None and record.error() is None:
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
