"""Kafka: what a plant would lose when its cluster is away, slow, or refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("confluent_kafka")

from yolodeploy.core.errors import UsageError
from yolodeploy.core.site_settings import KafkaSink
from yolodeploy.serve.sinks import kafka

from .kafka_cluster import KafkaCluster
from .messages import dropped, frames, in_order, large, message, wait_for
from .refusing_kafka import refusing_kafka

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from yolodeploy.serve.sinks.sinks import Sinks

TOPIC = "detections"


@pytest.fixture
def cluster() -> Iterator[KafkaCluster]:
    made = KafkaCluster()
    made.create(TOPIC)
    yield made
    made.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An outage of twenty seconds takes two."""
    monkeypatch.setattr(kafka, "DELIVERY_S", 2.0)
    monkeypatch.setattr(kafka, "CONNECT_S", (1.0,))


def sink(cluster: KafkaCluster) -> KafkaSink:
    return KafkaSink(name="plant", brokers=cluster.brokers, topic=TOPIC)


def test_messages_arrive_by_camera_and_in_order(sinks: Sinks, cluster: KafkaCluster) -> None:
    sinks.follow([sink(cluster)])
    for frame in range(300):
        sinks.publish(message(frame, f"line-{frame % 3}"))
    wait_for(sinks, lambda state: state.delivered == 300)
    records = cluster.records(TOPIC)
    assert {key for key, _ in records} == {b"line-0", b"line-1", b"line-2"}
    for number in range(3):
        found = frames((body for _, body in records), f"line-{number}")
        assert found == list(range(number, 300, 3))


def test_a_short_outage_loses_and_doubles_nothing(sinks: Sinks, cluster: KafkaCluster) -> None:
    sinks.follow([sink(cluster)])
    sinks.publish(message(0))
    wait_for(sinks, lambda state: state.delivered == 1)
    cluster.down()
    for frame in range(1, 200):
        sinks.publish(message(frame))
    wait_for(sinks, lambda state: state.spooled == 199)
    cluster.up()
    wait_for(sinks, lambda state: state.delivered == 200 and state.held == 0)
    assert frames(cluster.bodies(TOPIC)) == list(range(200))


@pytest.mark.usefixtures("impatient")
def test_a_long_outage_loses_nothing(sinks: Sinks, cluster: KafkaCluster) -> None:
    sinks.follow([sink(cluster)])
    sinks.publish(message(0))
    wait_for(sinks, lambda state: state.delivered == 1)
    cluster.down()
    for frame in range(1, 3000):
        sinks.publish(message(frame))
    state = wait_for(sinks, lambda state: state.state == "waiting")
    assert cluster.brokers in state.reason
    assert (state.held, dropped(state)) == (2999, 0)
    cluster.up()
    wait_for(sinks, lambda state: state.held == 0)
    found = frames(cluster.bodies(TOPIC))
    assert in_order(found)
    assert set(found) == set(range(3000))


def test_a_slow_cluster_is_waited_for(sinks: Sinks, cluster: KafkaCluster) -> None:
    sinks.follow([sink(cluster)])
    wait_for(sinks, lambda state: state.state == "delivering")
    # longer than a message may be in memory only, and than a busy machine keeps the spool waiting:
    # what was answered before it is written never is
    cluster.delay(4000)
    for frame in range(50):
        sinks.publish(message(frame))
    wait_for(sinks, lambda state: state.spooled == 50)
    cluster.delay(0)
    wait_for(sinks, lambda state: state.delivered == 50 and state.spooled == 0)
    assert frames(cluster.bodies(TOPIC)) == list(range(50))


def test_a_message_that_is_too_large_does_not_stop_the_others(
    sinks: Sinks, cluster: KafkaCluster
) -> None:
    sinks.follow([sink(cluster)])
    sinks.publish(message(0))
    wait_for(sinks, lambda state: state.delivered == 1)
    cluster.fail([kafka.KafkaError.MSG_SIZE_TOO_LARGE])
    sinks.publish(large(1, 900_000))
    state = wait_for(sinks, lambda state: state.held == 0)
    assert state.dropped == {"refused": 1}
    assert "too large" in state.last_error.lower()
    sinks.publish(message(2))
    wait_for(sinks, lambda state: state.delivered == 2)
    assert frames(cluster.bodies(TOPIC)) == [0, 2]


def test_a_topic_that_is_not_there_is_waited_for(sinks: Sinks, cluster: KafkaCluster) -> None:
    cluster.topic_error(TOPIC, kafka.KafkaError.UNKNOWN_TOPIC_OR_PART)
    sinks.follow([sink(cluster)])
    sinks.publish(message(0))
    state = wait_for(sinks, lambda state: state.state == "waiting")
    assert TOPIC in state.reason
    assert 0 < state.retry_s <= 30
    cluster.topic_error(TOPIC, 0)
    wait_for(sinks, lambda state: state.delivered == 1)


@pytest.mark.usefixtures("impatient")
def test_a_topic_that_we_may_not_write_to_is_told_and_nothing_is_dropped(
    sinks: Sinks, cluster: KafkaCluster
) -> None:
    sinks.follow([sink(cluster)])
    wait_for(sinks, lambda state: state.state == "delivering")
    cluster.fail([kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED])
    sinks.publish(message(0))
    state = wait_for(sinks, lambda state: state.state == "waiting")
    assert "authorization" in state.reason.lower()
    assert state.retry_s > 15  # an account may be locked by who tries it often
    assert (state.held, dropped(state)) == (1, 0)


@pytest.mark.usefixtures("impatient")
def test_a_fatal_error_of_the_producer_costs_a_new_producer_and_no_message(
    sinks: Sinks, cluster: KafkaCluster
) -> None:
    sinks.follow([sink(cluster)])
    sinks.publish(message(0))
    wait_for(sinks, lambda state: state.delivered == 1)
    cluster.fail([kafka.KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER])
    for frame in range(1, 20):
        sinks.publish(message(frame))
    state = wait_for(sinks, lambda state: state.held == 0)
    assert dropped(state) == 0
    assert set(frames(cluster.bodies(TOPIC))) == set(range(20))


def test_a_wrong_password_is_told_at_once_and_never_shown(
    sinks: Sinks, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "kafka.secret"
    secret.write_text("gateway:hunter2-hunter2\n")
    secret.chmod(0o600)
    with refusing_kafka() as address:
        sinks.follow(
            [
                KafkaSink(
                    name="plant",
                    brokers=address,
                    topic=TOPIC,
                    credentials_file=str(secret),
                    sasl="PLAIN",
                )
            ]
        )
        sinks.publish(message(0))
        state = wait_for(sinks, lambda state: state.state == "waiting")
    assert "who are you?" in state.reason
    assert state.retry_s > 15
    assert (state.held, dropped(state)) == (1, 0)
    assert "sink.credentials" in caplog.text
    assert "hunter2" not in caplog.text + repr(state)


def test_settings_that_librdkafka_refuses_are_told_when_they_are_made(sinks: Sinks) -> None:
    with pytest.raises(UsageError, match="plant"):
        sinks.follow([KafkaSink(name="plant", brokers="host:port:port", topic=TOPIC)])
    assert sinks.states() == ()
