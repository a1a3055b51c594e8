"""Notices: if these fail, nobody hears that a plant stands still, or everybody a hundred times."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.serve.sinks.test_webhook import authority
from tests.serve.sinks.webhook_server import (
    Answer,
    WebhookServer,
    dribbling_port,
    one_by_one,
    silent_port,
)
from yolodeploy.core.errors import Failed, UsageError
from yolodeploy.core.notices import EVENTS, PER_MINUTE, Notice, delay_s, wait_s
from yolodeploy.core.sentences import sentence
from yolodeploy.inventory import notices as rows
from yolodeploy.inventory.connection import Inventory, open_inventory
from yolodeploy.inventory.events import query_events
from yolodeploy.ops import notice_places, notifying
from yolodeploy.ops.home import Home
from yolodeploy.ops.notice_places import Command, Webhook
from yolodeploy.ops.notifying import deliver, notify, try_out
from yolodeploy.ops.settings import set_value, settings

FAILED = Notice("notice.failed", "r-7", {"rollout": "r-7", "release": "a@1", "reason": "x"})
SILENT = Notice("notice.unreachable", "plant", {"site": "plant", "since": "6:00", "reason": "x"})


@pytest.fixture
def server() -> Iterator[WebhookServer]:
    made = WebhookServer()
    yield made
    made.close()


@pytest.fixture
def inventory(home: Home) -> Iterator[Inventory]:
    with open_inventory(home.inventory) as opened:
        yield opened


def secret(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def hook(home: Home, server: WebhookServer) -> None:
    """The URL has a query, and so belongs into a file."""
    set_value("notify_webhook", secret(home.root / "hook", server.url))


def told(server: WebhookServer) -> list[dict[str, Any]]:
    return [one for body in server.taken for one in json.loads(body)["notices"]]


def due_now(inventory: Inventory, place: str = "webhook") -> None:
    """As if the pause after a failure were over."""
    row = rows.place_row(inventory, place)
    inventory.execute("UPDATE notice_places SET again_at = 0 WHERE place = ?", (place,))
    assert row.failures


def test_a_state_is_told_once_when_it_begins_and_once_when_it_is_over(
    home: Home, server: WebhookServer
) -> None:
    notify(home, SILENT)  # nowhere to tell it: nothing is kept for later either
    hook(home, server)
    for notice in (SILENT, SILENT, SILENT._replace(over=True), SILENT._replace(over=True), SILENT):
        notify(home, notice)
    found = told(server)
    assert [one["state"] for one in found] == ["begins", "over", "begins"]
    assert [one["text"] for one in found][:2] == [
        "site plant has not answered since 6:00: x",
        "site plant answers again",
    ]
    # a receiver knows doubles, and which beginning an end belongs to
    assert found[1]["id"] == f"{found[0]['id']}-over"
    assert len({one["id"] for one in found}) == 3
    posted = json.loads(server.taken[0])
    assert posted["text"] == f"{found[0]['text']} ({found[0]['remedy']})"
    assert posted["from"] == os.uname().nodename


def test_a_rollouts_reason_is_told_in_the_receivers_language_and_as_code_and_fields(
    home: Home, server: WebhookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YOLODEPLOY_LANGUAGE", "zh")
    hook(home, server)
    reason = sentence("step.held", reason="换镜头\x1b[31m")
    notify(home, FAILED._replace(fields={**FAILED.fields, "reason": reason}))
    [one] = told(server)
    assert one["text"] == "a@1 的发布 r-7 失败：已锁定：换镜头\\x1b[31m"
    assert one["code"] == "notice.failed"
    assert one["fields"]["reason"] == "held: 换镜头\\x1b[31m"  # what receivers had before
    said = {"code": "step.held", "fields": {"reason": "换镜头\\x1b[31m"}}
    assert one["said"] == {"reason": said}


@pytest.mark.parametrize("status", [0, 302, 401, 404, 429, 500])
def test_what_is_not_taken_stays_and_is_tried_again(
    home: Home, server: WebhookServer, inventory: Inventory, status: int
) -> None:
    hook(home, server)
    elsewhere = {"location": "http://127.0.0.1:1/elsewhere"}
    server.answer = one_by_one(Answer(status, elsewhere))
    notify(home, FAILED)
    state = rows.place_row(inventory, "webhook")
    assert (state.failures, rows.waiting(inventory)) == (1, {"webhook": 1})
    assert "line=1" not in state.reason  # the address is a secret but for its host
    assert str(status or "") in state.reason
    assert deliver(home, inventory) == []  # not yet
    due_now(inventory)
    assert deliver(home, inventory) == []
    assert [one["about"] for one in told(server)] == ["r-7"]
    first, second = (json.loads(posted.body) for posted in server.posted)
    assert first == second
    assert rows.waiting(inventory) == {}
    assert rows.place_row(inventory, "webhook").failures == 0


def test_who_is_away_or_slow_delays_by_seconds_only(
    home: Home, inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notice_places, "ANSWER_S", 0.3)
    with silent_port() as silent, dribbling_port() as dribbling:
        for port in (silent.getsockname()[1], dribbling, 1):
            set_value("notify_webhook", f"http://127.0.0.1:{port}/")
            notify(home, FAILED._replace(about=f"r-{port}"))
            assert rows.place_row(inventory, "webhook").failures
            due_now(inventory)
    assert rows.waiting(inventory) == {"webhook": 3}


def test_what_comes_faster_goes_together(
    home: Home, server: WebhookServer, inventory: Inventory
) -> None:
    hook(home, server)
    for number in range(50):
        notify(home, FAILED._replace(about=f"r-{number}"))
    assert len(server.taken) == PER_MINUTE
    inventory.execute("UPDATE notice_places SET sent = '[]'")
    deliver(home, inventory)
    assert len(server.taken) == PER_MINUTE + 1
    assert {one["about"] for one in told(server)} == {f"r-{number}" for number in range(50)}


def test_what_nobody_takes_for_days_is_given_up_and_said(home: Home, inventory: Inventory) -> None:
    set_value("notify_webhook", "http://127.0.0.1:1/")
    notify(home, FAILED)
    inventory.execute("UPDATE notice_outbox SET at = at - 4 * 86400")
    due_now(inventory)
    deliver(home, inventory)
    assert rows.waiting(inventory) == {}
    assert [event.code for event in query_events(inventory)] == ["notice.given_up"]


def test_an_inventory_that_cannot_be_written_keeps_nobody_from_telling(
    home: Home, server: WebhookServer
) -> None:
    hook(home, server)
    home.inventory.write_bytes(b"no database " * 100)
    notify(home, FAILED)
    assert [one["about"] for one in told(server)] == ["r-7"]


def test_only_what_is_wanted(home: Home, server: WebhookServer) -> None:
    hook(home, server)
    set_value("notify_events", "approval, failed")
    notify(home, SILENT)
    notify(home, FAILED)
    assert [one["event"] for one in told(server)] == ["failed"]


def test_the_authority_is_checked_and_the_token_goes_nowhere_else(
    home: Home, tmp_path: Path
) -> None:
    certificate, context = authority(tmp_path)
    server = WebhookServer(tls=context)
    try:
        url = secret(tmp_path / "hook", server.url)
        token = secret(tmp_path / "token", "hunter2\n")
        with pytest.raises(Failed) as refused:
            Webhook(url, token, "").deliver(b"{}")
        assert "certificate" in refused.value.text()
        assert server.posted == []
        Webhook(url, token, str(certificate)).deliver(b"{}")
        assert server.posted[0].headers["authorization"] == "Bearer hunter2"
        for mode, content in ((0o644, "x"), (0o600, "x\ny"), (0o600, "é")):
            Path(token).write_text(content)
            Path(token).chmod(mode)
            with pytest.raises(Failed) as refused:
                Webhook(url, token, str(certificate)).deliver(b"{}")
            assert refused.value.code == "notice.secret_file"
    finally:
        server.close()


def program(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_command_reads_the_same_and_its_words_are_no_shells(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = tmp_path / "taken"
    line = program(tmp_path / "tell", f'echo "$2" >> {taken}; cat >> {taken}')
    set_value("notify_command", f"{line} --to '$(id) ; x'")
    notify(home, FAILED)
    said, body = taken.read_text().splitlines()
    assert said == "$(id) ; x"
    assert json.loads(body)["notices"][0]["about"] == "r-7"
    for text, reason in (
        ("echo no >&2; exit 7", "exit code 7 no"),
        ("head -c 1000000 /dev/zero >&2; exit 1", "exit code 1"),
        ("sleep 600", "no end after"),
    ):
        with monkeypatch.context() as patched:
            if "sleep" in text:  # the others end by themselves, at once or not
                patched.setattr(notice_places, "COMMAND_S", 0.3)
            with pytest.raises(Failed) as refused:
                Command(program(tmp_path / "tell", text)).deliver(b"{}" * 100_000)
        assert reason in refused.value.text()
    with pytest.raises(Failed):
        Command(str(tmp_path / "absent")).deliver(b"{}")
    # what it leaves behind holds its standard error open, and would be told again and again
    Command(program(tmp_path / "tell", "sleep 600 & exit 0")).deliver(b"{}")


def test_the_settings_are_checked_before_anything_is_sent(home: Home) -> None:
    for name, text in (
        ("notify_webhook", "https://user:word@host/x"),
        ("notify_webhook", "https://host/x?token=1"),
        ("notify_webhook", "ftp://host/"),
        ("notify_webhook", "https://"),
        ("notify_command", "tell me"),
        ("notify_command", "/bin/x 'y"),
        ("notify_events", "failed,everything"),
        ("notify_minutes", "0"),
    ):
        with pytest.raises(UsageError) as raised:
            set_value(name, text)
        assert raised.value.code == "home.bad_setting"
    (home.root / "config.toml").write_text("notify_command = ['/bin/tell', 'shift A']\n")
    assert settings()["notify_command"].value == "/bin/tell 'shift A'"


def test_a_test_notice_says_who_took_it(home: Home, server: WebhookServer) -> None:
    hook(home, server)
    set_value("notify_command", "/bin/false")
    (one, fine), (other, error) = try_out()
    assert (one, fine, other) == ("webhook", None, "command")
    assert error is not None
    assert [found["event"] for found in told(server)] == ["test"]


def test_every_event_has_its_texts() -> None:
    from yolodeploy.core.messages.notice import MESSAGES

    assert set(EVENTS) <= set(MESSAGES)
    lasting = {"approval", "waiting", "unreachable", "expiring", "trouble"}
    assert {name for name in EVENTS if f"{name}_over" in MESSAGES} == lasting


@given(st.integers(1, 5000), st.floats(0, 1), st.lists(st.floats(0, 1e9), max_size=20))
def test_pauses_are_bounded_whatever_the_clock_does(
    failures: int, chance: float, sent: list[float]
) -> None:
    assert 10 <= delay_s(failures, chance) <= 1800
    now = 5e8
    assert 0 <= wait_s(sent, now) <= 60
    assert wait_s([now + 1e6] * 50, now) == 0  # it was set back since


def test_a_clock_that_was_set_back_silences_nobody(
    home: Home, server: WebhookServer, inventory: Inventory
) -> None:
    hook(home, server)
    later = time.time() + 1e7
    inventory.execute("INSERT INTO notice_places VALUES ('webhook', 3, ?, 'x', '[]')", (later,))
    notify(home, FAILED)
    assert [one["about"] for one in told(server)] == ["r-7"]
    assert notifying.configured()[0].name == "webhook"
