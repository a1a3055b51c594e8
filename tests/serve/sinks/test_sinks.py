"""All sinks together: settings that change, crashes, stops, and one that must not hurt another."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from threading import Event
from threading import enumerate as enumerate_threads
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.ports import free_port
from yolodeploy.core.errors import UsageError
from yolodeploy.core.sink_state import SinkState
from yolodeploy.core.site_settings import CsvSink, JsonLinesSink, SiteSettings, WebhookSink
from yolodeploy.serve.metrics import metrics_text
from yolodeploy.serve.sinks import delivering
from yolodeploy.serve.sinks.families import sink_families
from yolodeploy.serve.sinks.json_lines import json_lines
from yolodeploy.serve.sinks.keeping import TICK_S, Keeper
from yolodeploy.serve.sinks.outbox import KEEP_AFTER_S, Outbox
from yolodeploy.serve.sinks.sinks import Sinks
from yolodeploy.serve.sinks.spool import Spool
from yolodeploy.serve.sinks.telling import Telling

from ..running import CHECKOUT, until
from .messages import frames, in_order, large, message, state_of, wait_for
from .webhook_server import Answer, WebhookServer, silent_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MEGABYTE = 1 << 20


@pytest.fixture
def server() -> Iterator[WebhookServer]:
    made = WebhookServer()
    yield made
    made.close()


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines() if path.exists() else []


def hook(port: int, **settings: object) -> WebhookSink:
    return msgspec.convert(
        {"name": "hook", "url": f"http://127.0.0.1:{port}/", **settings}, WebhookSink
    )


def test_settings_that_change_while_it_connects_leave_a_sink_at_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or it would look for messages all the time, and one core be busy with nothing."""
    monkeypatch.setattr(delivering, "REST_S", 0.05)
    place = json_lines(JsonLinesSink(name="file", path=str(tmp_path / "results.jsonl")))
    rested = Event()
    monkeypatch.setattr(place, "rest", rested.set)
    telling = Telling("file")
    outbox = Outbox(Spool(tmp_path / "file.spool", 1), telling)
    deliverer = delivering.Deliverer("file", place, outbox, telling)
    clear = deliverer._called.clear

    def changed_meanwhile() -> None:
        clear()
        if not rested.is_set():
            deliverer.use(place)

    monkeypatch.setattr(deliverer._called, "clear", changed_meanwhile)
    deliverer.start()
    try:
        assert rested.wait(20)
    finally:
        deliverer.end(0)
        deliverer.join()


def test_a_stop_leaves_no_thread_behind(tmp_path: Path) -> None:
    """One that writes spools could open one again that the next server needs."""
    before = set(enumerate_threads())
    sinks = Sinks(tmp_path)
    sinks.follow([JsonLinesSink(name="file", path=str(tmp_path / "results.jsonl"))])
    (keeper,) = (
        one for one in enumerate_threads() if isinstance(one, Keeper) and one not in before
    )
    sinks.stop(5)
    assert not keeper.is_alive()


def test_each_sink_gets_the_cameras_that_it_names(sinks: Sinks, tmp_path: Path) -> None:
    every, some = tmp_path / "every.jsonl", tmp_path / "some.jsonl"
    sinks.follow(
        [
            JsonLinesSink(name="every", path=str(every)),
            JsonLinesSink(name="some", path=str(some), cameras=("line-2", "line-4")),
        ]
    )
    for number in range(5):
        sinks.publish(message(0, f"line-{number}"))
    wait_for(sinks, lambda state: state.delivered == 5, "every")
    wait_for(sinks, lambda state: state.delivered == 2, "some")
    assert [msgspec.json.decode(line)["camera"] for line in lines(some)] == ["line-2", "line-4"]


def test_settings_that_cannot_work_change_nothing(sinks: Sinks, tmp_path: Path) -> None:
    good = JsonLinesSink(name="good", path=str(tmp_path / "good.jsonl"))
    sinks.follow([good])
    bad = CsvSink(name="bad", path=str(tmp_path / "missing" / "x.csv"))
    for both in ([bad], [good, bad], [good, good], [good, CsvSink(name="x", path=good.path)]):
        with pytest.raises(UsageError):
            sinks.follow(both)
        assert [state.name for state in sinks.states()] == ["good"]
    sinks.publish(message(0))
    wait_for(sinks, lambda state: state.delivered == 1)


def test_an_unchanged_sink_is_left_alone_and_a_changed_one_keeps_what_it_holds(
    sinks: Sinks, server: WebhookServer, tmp_path: Path
) -> None:
    still = hook(server.port, name="still")
    sinks.follow([still, hook(free_port())])
    for frame in range(100):
        sinks.publish(message(frame))
    wait_for(sinks, lambda state: state.delivered == 100, "still")
    wait_for(sinks, lambda state: state.state == "waiting", "hook")
    path = tmp_path / "results.jsonl"
    # another kind of place under the same name, and with another bound
    sinks.follow([still, JsonLinesSink(name="hook", path=str(path), spool_mb=8)])
    wait_for(sinks, lambda state: state.held == 0, "hook")
    assert frames(lines(path)) == list(range(100))
    sinks.publish(message(100))
    wait_for(sinks, lambda state: state.delivered == 101, "still")
    assert len({posted.connection for posted in server.posted}) == 1


def test_a_sink_that_is_gone_keeps_its_messages_until_it_is_back(
    sinks: Sinks, server: WebhookServer
) -> None:
    sinks.follow([hook(free_port())])
    for frame in range(50):
        sinks.publish(message(frame))
    wait_for(sinks, lambda state: state.state == "waiting")
    sinks.follow([])
    assert sinks.states() == ()
    sinks.publish(message(50))  # for nobody
    sinks.follow([hook(server.port)])
    sinks.publish(message(51))
    wait_for(sinks, lambda state: state.held == 0 and state.delivered == 51)
    assert set(frames(server.taken)) == {*range(50), 51}


def test_what_is_held_at_the_end_is_delivered_by_the_next_start(
    tmp_path: Path, server: WebhookServer
) -> None:
    first = Sinks(tmp_path)
    first.follow([hook(free_port())])
    for frame in range(200):
        first.publish(message(frame))
    wait_for(first, lambda state: state.state == "waiting")
    first.stop(5)
    first.publish(message(999))  # after the end
    second = Sinks(tmp_path)
    second.follow([hook(server.port)])
    for frame in range(200, 250):
        second.publish(message(frame))
    wait_for(second, lambda state: state.held == 0)
    assert frames(server.taken) == list(range(250))
    second.stop(5)
    assert list(tmp_path.iterdir()) == []


def test_a_stop_delivers_what_there_is(tmp_path: Path, server: WebhookServer) -> None:
    server.answer = lambda posted: Answer(200, after_s=0.002)
    sinks = Sinks(tmp_path)
    sinks.follow([hook(server.port)])
    for frame in range(100):
        sinks.publish(message(frame))
    sinks.stop(30)
    assert frames(server.taken) == list(range(100))
    assert list(tmp_path.iterdir()) == []


def test_a_stop_waits_for_nobody_longer_than_it_may_and_loses_nothing(
    tmp_path: Path, server: WebhookServer
) -> None:
    with silent_port() as silent:
        sinks = Sinks(tmp_path)
        sinks.follow([hook(silent.getsockname()[1], timeout_s=600)])
        for frame in range(10):
            sinks.publish(message(frame))
        wait_for(sinks, lambda state: state.spooled == 10)
        began = time.monotonic()
        sinks.stop(0.2)
        assert time.monotonic() - began < 20
    again = Sinks(tmp_path)
    again.follow([hook(server.port)])
    wait_for(again, lambda state: state.delivered == 10)
    assert frames(server.taken) == list(range(10))
    again.stop(5)


def test_a_sink_that_hangs_delays_no_other(sinks: Sinks, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with silent_port() as silent:
        stuck = hook(silent.getsockname()[1], name="stuck", timeout_s=600)
        sinks.follow([stuck, JsonLinesSink(name="file", path=str(path))])
        for frame in range(1000):
            sinks.publish(message(frame))
        wait_for(sinks, lambda state: state.delivered == 1000, "file")
        state = wait_for(sinks, lambda state: state.spooled == 1000, "stuck")
        assert state.oldest_age_s > 0
        # and can be replaced while it hangs
        sinks.follow([JsonLinesSink(name="stuck", path=str(tmp_path / "stuck.jsonl"))])
        wait_for(sinks, lambda state: state.held == 0, "stuck")
    assert frames(lines(tmp_path / "stuck.jsonl")) == list(range(1000))


def all_on_disk(count: int) -> Callable[[SinkState], bool]:
    return lambda state: state.spooled + state.dropped.get("spool_full", 0) == count


def test_an_outage_that_is_too_long_costs_the_oldest_and_they_are_counted(
    sinks: Sinks, server: WebhookServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An hour's, by volume: four times what the spool holds."""
    sinks.follow([hook(free_port(), spool_mb=1)])
    count = 0
    while count < 800:
        sinks.publish(large(count, 5_000))
        count += 1
        if count % 200 == 0:
            wait_for(sinks, all_on_disk(count))
            spool = sum(path.stat().st_size for path in (tmp_path / "spools").iterdir())
            assert spool <= MEGABYTE
    state = state_of(sinks)
    assert state.held + state.dropped["spool_full"] == count
    assert state.spool_bytes <= MEGABYTE
    assert caplog.text.count("sink.spool_full") == 1
    sinks.follow([hook(server.port, spool_mb=1)])
    wait_for(sinks, lambda state: state.held == 0)
    found = frames(server.taken)
    assert found == list(range(count - len(found), count))
    assert len(found) * 5_000 > MEGABYTE / 2


def test_kill_9_costs_half_a_second_and_nothing_that_was_published_before(
    tmp_path: Path, server: WebhookServer
) -> None:
    folder = tmp_path / "spools"
    command = [sys.executable, "-m", "tests.serve.sinks.publisher", str(folder), str(free_port())]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    published: dict[int, float] = {}
    for line in process.stdout:
        frame, at_s = line.split()
        published[int(frame)] = float(at_s)
        if float(at_s) - published[0] > 3:
            break
    process.kill()
    killed_s = time.monotonic()
    process.wait()
    for line in process.stdout:
        with suppress(ValueError):
            frame, at_s = line.split()
            published[int(frame)] = float(at_s)
    sinks = Sinks(folder)
    sinks.follow([hook(server.port)])
    wait_for(sinks, lambda state: state.state == "delivering" and state.held == 0)
    sinks.stop(5)
    found = frames(server.taken)
    assert found == list(range(len(found)))
    lost = [frame for frame in published if frame >= len(found)]
    # the bound, and what this machine may keep a thread waiting for besides
    bound_s = KEEP_AFTER_S + TICK_S + 3.0
    assert all(published[frame] > killed_s - bound_s for frame in lost)
    oldest_s = killed_s - min((published[frame] for frame in lost), default=killed_s)
    print(f"lost {len(lost)} of {len(published)}, the oldest of them {oldest_s:.3f} s old")


def test_publishing_never_raises_and_never_waits(
    sinks: Sinks, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sinks.publish(message(0))  # there is no sink yet
    sinks.follow([JsonLinesSink(name="file", path=str(tmp_path / "results.jsonl"))])
    for _ in range(3):
        sinks.publish(message(1, classes=("\udcff",)))  # no text in any encoding
    sinks.publish(message(2))
    wait_for(sinks, lambda state: state.delivered == 1)
    assert frames(lines(tmp_path / "results.jsonl")) == [2]
    assert caplog.text.count("cannot be written as JSON") == 1


def test_the_states_are_json_and_metrics(sinks: Sinks, server: WebhookServer) -> None:
    server.answer = lambda posted: Answer(400 if posted.body.count(b"poison") else 200)
    sinks.follow([hook(server.port), hook(free_port(), name="away")])
    for frame in range(20):
        sinks.publish(message(frame, release="poison" if frame < 3 else ""))
    wait_for(sinks, lambda state: state.held == 0, "hook")
    wait_for(sinks, lambda state: state.state == "waiting", "away")
    states = sinks.states()
    assert msgspec.json.decode(msgspec.json.encode(states), type=tuple[SinkState, ...]) == states
    assert [state.kind for state in states] == ["webhook", "webhook"]
    text = metrics_text([lambda: sink_families(states, sinks.times())]).decode()
    assert 'yolodeploy_sink_messages_total{outcome="delivered",sink="hook"} 17.0' in text
    assert 'yolodeploy_sink_messages_total{outcome="refused",sink="hook"} 3.0' in text
    assert 'yolodeploy_sink_held{sink="away"} 20.0' in text
    assert 'yolodeploy_sink_delivering{sink="away"} 0.0' in text
    assert 'yolodeploy_sink_delivery_seconds_count{sink="hook"} 17.0' in text


def test_a_library_that_is_not_there_is_told_with_what_installs_it(
    sinks: Sinks, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library, module, settings in (
        ("confluent_kafka", "kafka", {"kind": "kafka", "brokers": "host:9092", "topic": "t"}),
        ("paho.mqtt.client", "mqtt", {"kind": "mqtt", "host": "host"}),
    ):
        monkeypatch.setitem(sys.modules, library, None)
        monkeypatch.delitem(sys.modules, f"yolodeploy.serve.sinks.{module}", raising=False)
        both = msgspec.convert({"sinks": [{"name": "there", **settings}]}, SiteSettings)
        with pytest.raises(UsageError) as caught:
            sinks.follow(both.sinks)
        assert caught.value.code == "sink.library_missing"
        assert "yolodeploy[streams]" in caught.value.remedy()


def test_a_server_without_sinks_loads_no_client_library(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from yolodeploy.serve.sinks.sinks import Sinks\n"
        "sinks = Sinks(Path(sys.argv[1])); sinks.follow([]); sinks.stop(1)\n"
        "print({'confluent_kafka', 'paho', 'http', 'ssl', 'csv', 'sqlite3', 'prometheus_client'}"
        " & set(sys.modules))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "spools")]
    told = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True)
    assert told.stdout == "set()\n"
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_of_ours_stops_one_sink_and_is_told(
    sinks: Sinks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from yolodeploy.serve.sinks.file_place import FilePlace

    def mistaken(*_: object) -> None:
        raise ZeroDivisionError("hunter2")

    file = JsonLinesSink(name="file", path=str(tmp_path / "results.jsonl"))
    with monkeypatch.context() as patch:
        patch.setattr(FilePlace, "send", mistaken)
        sinks.follow([file])
        sinks.publish(message(0))
        state = wait_for(sinks, lambda state: state.state == "failed")
    assert "ZeroDivisionError" in state.reason
    assert state.held == 1
    assert "Traceback" in caplog.text
    sinks.follow([msgspec.structs.replace(file, keep=1)])
    wait_for(sinks, lambda state: state.delivered == 1)
    until(lambda: frames(lines(tmp_path / "results.jsonl")) == [0])
    assert in_order([0])
