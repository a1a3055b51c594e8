"""MQTT: what a plant would lose when its broker is away, frozen, or refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

pytest.importorskip("paho.mqtt.client")

from yolodeploy.core.errors import UsageError
from yolodeploy.core.site_settings import MqttSink
from yolodeploy.serve.sinks import mqtt

from ..running import until
from .messages import dropped, frames, in_order, large, message, state_of, wait_for
from .mosquitto import Listener, Mosquitto

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from yolodeploy.serve.sinks.sinks import Sinks


class StartBroker(Protocol):
    def __call__(self, *settings: str, user: str = "", password: str = "") -> Mosquitto: ...


class Listen(Protocol):
    def __call__(self, broker: Mosquitto, user: str = "", password: str = "") -> Listener: ...


@pytest.fixture
def start_broker(tmp_path: Path) -> Iterator[StartBroker]:
    brokers: list[Mosquitto] = []

    def started(*settings: str, user: str = "", password: str = "") -> Mosquitto:
        folder = tmp_path / f"broker{len(brokers)}"
        brokers.append(Mosquitto(folder, *settings, user=user, password=password))
        return brokers[-1]

    yield started
    for broker in brokers:
        broker.stop()


@pytest.fixture
def listen() -> Iterator[Listen]:
    listeners: list[Listener] = []

    def listening(broker: Mosquitto, user: str = "", password: str = "") -> Listener:
        listeners.append(Listener(broker, "plant/#", user, password))
        return listeners[-1]

    yield listening
    for listener in listeners:
        listener.close()


def sink(broker: Mosquitto, **settings: Any) -> MqttSink:
    values = {"topic": "plant/{camera}/detections", **settings}
    return MqttSink(name="broker", host="127.0.0.1", port=broker.port, **values)


def secret(path: Path, content: str, mode: int = 0o600) -> str:
    path.write_text(content)
    path.chmod(mode)
    return str(path)


def test_messages_arrive_under_their_cameras_topic_and_in_order(
    sinks: Sinks, start_broker: StartBroker, listen: Listen
) -> None:
    broker = start_broker()
    listener = listen(broker)
    sinks.follow([sink(broker)])
    for frame in range(500):
        sinks.publish(message(frame, f"line-{frame % 2}"))
    wait_for(sinks, lambda state: state.delivered == 500)
    until(lambda: len(listener.received) == 500)
    assert {topic for topic, _ in listener.received} == {
        "plant/line-0/detections",
        "plant/line-1/detections",
    }
    for number in range(2):
        found = frames(listener.bodies(), f"line-{number}")
        assert found == list(range(number, 500, 2))


def test_a_broker_that_restarts_loses_nothing(
    sinks: Sinks, start_broker: StartBroker, listen: Listen
) -> None:
    broker = start_broker()
    listener = listen(broker)
    sinks.follow([sink(broker)])
    for frame in range(100):
        sinks.publish(message(frame))
    wait_for(sinks, lambda state: state.delivered > 0)
    broker.stop()
    for frame in range(100, 1000):
        sinks.publish(message(frame))
    wait_for(sinks, lambda state: state.state == "waiting" and "refused" in state.reason)
    wait_for(sinks, lambda state: state.spooled >= 900)
    broker.start()
    state = wait_for(sinks, lambda state: state.held == 0)
    assert dropped(state) == 0
    until(lambda: set(frames(listener.bodies())) == set(range(1000)))
    assert in_order(frames(listener.bodies()))


def test_a_broker_that_hangs_delays_nobody_and_loses_nothing(
    sinks: Sinks,
    start_broker: StartBroker,
    listen: Listen,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mqtt.Mqtt, "silence_s", 1.0)
    broker, other = start_broker(), start_broker()
    listener = listen(broker)
    calm = MqttSink(name="other", host="127.0.0.1", port=other.port)
    sinks.follow([sink(broker), calm])
    wait_for(sinks, lambda state: state.state == "delivering", "broker")
    broker.freeze()
    for frame in range(300):
        sinks.publish(message(frame))
    wait_for(sinks, lambda state: state.delivered == 300, "other")
    assert state_of(sinks, "broker").delivered == 0
    state = wait_for(sinks, lambda state: state.state == "waiting", "broker")
    assert "acknowledged" in state.last_error
    broker.thaw()
    wait_for(sinks, lambda state: state.held == 0, "broker")
    until(lambda: set(frames(listener.bodies())) == set(range(300)))
    assert in_order(frames(listener.bodies()))


def test_no_more_is_in_flight_than_the_broker_takes(
    sinks: Sinks, start_broker: StartBroker, listen: Listen
) -> None:
    broker = start_broker("max_inflight_messages 3")
    listener = listen(broker)
    sinks.follow([sink(broker)])
    for frame in range(200):
        sinks.publish(message(frame))
    state = wait_for(sinks, lambda state: state.delivered == 200)
    assert state.last_error == ""
    until(lambda: len(listener.received) == 200)


def test_a_message_larger_than_the_broker_takes_does_not_stop_the_others(
    sinks: Sinks, start_broker: StartBroker
) -> None:
    broker = start_broker("max_packet_size 10000")
    sinks.follow([sink(broker)])
    for frame in range(10):
        sinks.publish(large(frame, 20_000) if frame == 5 else message(frame))
    state = wait_for(sinks, lambda state: state.held == 0)
    assert (state.delivered, state.dropped) == (9, {"refused": 1})
    assert "10000" in state.last_error


def test_a_wrong_password_is_told_and_the_right_one_is_taken_from_its_file(
    sinks: Sinks,
    start_broker: StartBroker,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    broker = start_broker(user="gateway", password="correct")
    path = tmp_path / "mqtt.secret"
    settings = sink(broker, credentials_file=secret(path, "gateway:hunter2-hunter2"))
    sinks.follow([settings])
    sinks.publish(message(0))
    state = wait_for(sinks, lambda state: state.state == "waiting")
    assert state.retry_s > 15  # an account may be locked by who tries it often
    assert (state.held, dropped(state)) == (1, 0)
    assert "sink.credentials" in caplog.text
    assert "hunter2" not in caplog.text + repr(state)
    secret(path, "gateway:correct\n")
    # as the settings do when they are read again
    sinks.follow([sink(broker, credentials_file=str(path), topic="plant/{camera}")])
    wait_for(sinks, lambda state: state.delivered == 1)


def test_a_topic_that_we_may_not_write_to_is_told_and_nothing_is_dropped(
    sinks: Sinks, start_broker: StartBroker, tmp_path: Path
) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic read plant/#\n")
    rules.chmod(0o600)
    sinks.follow([sink(start_broker(f"acl_file {rules}"))])
    sinks.publish(message(0))
    state = wait_for(sinks, lambda state: state.state == "waiting")
    assert "authorized" in state.reason
    assert (state.held, dropped(state)) == (1, 0)


@pytest.mark.parametrize("topic", ["plant/#", "plant/+/x", "$SYS/x", "a\0b"])
def test_a_topic_that_cannot_be_published_to_is_refused(sinks: Sinks, topic: str) -> None:
    with pytest.raises(UsageError, match="topic"):
        sinks.follow([MqttSink(name="broker", host="127.0.0.1", topic=topic)])


@pytest.mark.parametrize(
    ("content", "mode"),
    [("gateway:x", 0o644), ("gateway", 0o600), ("", 0o600), (":x", 0o600), ("a\x1b:b", 0o600)],
)
def test_a_credentials_file_that_cannot_be_used_is_refused(
    sinks: Sinks, tmp_path: Path, content: str, mode: int
) -> None:
    path = secret(tmp_path / "mqtt.secret", content, mode)
    with pytest.raises(UsageError, match=r"mqtt\.secret"):
        sinks.follow([MqttSink(name="broker", host="127.0.0.1", credentials_file=path)])
    with pytest.raises(UsageError, match="nowhere"):
        sinks.follow([MqttSink(name="broker", host="127.0.0.1", credentials_file="/nowhere")])
