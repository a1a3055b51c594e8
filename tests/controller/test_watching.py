"""From states to notices: if these fail, people are told what is no news, or not what is."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.inventory.parts import NOW, plan, spec
from yolodeploy.core.nodes import ClusterFigures
from yolodeploy.core.notices import Notice
from yolodeploy.core.site import SiteState
from yolodeploy.inventory import catalog, events, notices, releases, rollouts, sites
from yolodeploy.inventory.connection import Inventory, open_inventory
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.inventory.status import record_site_state, record_unreachable
from yolodeploy.ops import watching
from yolodeploy.ops.home import Home
from yolodeploy.ops.notifying import deliver
from yolodeploy.ops.settings import set_value
from yolodeploy.ops.watching import Watch


class Looking:
    """Looks, and says what was told by that; `now` is the clock that nobody sets."""

    def __init__(self, home: Home, inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
        self._home, self._inventory = home, inventory
        self._told = home.root / "told"
        self._watch = Watch(home)
        self.now = 1000.0
        monkeypatch.setattr(watching, "monotonic", lambda: self.now)
        script = home.root / "tell"
        script.write_text(f"#!/bin/sh\ncat >> {self._told}\n")
        script.chmod(0o700)
        set_value("notify_command", str(script))

    def __call__(self, **troubles: str) -> list[tuple[str, str, str]]:
        """Event, the first word of what it is about, and whether it begins."""
        return [
            (event, about.split(" ")[0], state) for event, about, state in self.whole(**troubles)
        ]

    def whole(self, **troubles: str) -> list[tuple[str, str, str]]:
        """The same with all that it is about."""
        self._told.write_text("")
        self._watch.round(self._inventory, troubles, minutes=10, hours=24)
        self._inventory.execute("DELETE FROM notice_places")
        assert deliver(self._home, self._inventory) == []
        bodies: list[dict[str, Any]] = [json.loads(x) for x in self._told.read_text().splitlines()]
        told = [one for body in bodies for one in body["notices"]]
        assert all("<" not in one["text"] for one in told)  # a field that nobody gave
        return [(one["event"], one["about"], one["state"]) for one in told]

    def again(self) -> None:
        """As a controller that was started anew."""
        self._watch = Watch(self._home)


@pytest.fixture
def inventory(home: Home) -> Iterator[Inventory]:
    with open_inventory(home.inventory) as opened:
        for name in ("north", "south"):
            sites.add_site(opened, name, "embedded", "/nowhere", at=NOW)
        yield opened


@pytest.fixture
def look(home: Home, inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> Looking:
    looking = Looking(home, inventory, monkeypatch)
    assert looking() == []  # what was before is no news
    return looking


def test_a_site_is_told_when_it_was_silent_for_so_long(look: Looking, inventory: Inventory) -> None:
    record_unreachable(inventory, "north", "site.unreachable", at=time.time())
    record_unreachable(inventory, "south", "site.unreachable", at=time.time())
    inventory.execute("UPDATE sites SET held = 'moving house' WHERE name = 'south'")
    assert look() == []
    look.now += 599
    assert look() == []
    look.again()  # it has not watched for so long itself
    look.now += 2
    assert look() == []
    look.now += 600
    assert look() == [("unreachable", "north", "begins")]
    look.again()
    assert look() == []
    inventory.execute("UPDATE sites SET reachable = 1 WHERE name = 'north'")
    assert look() == [("unreachable", "north", "over")]


def test_a_site_that_was_removed_does_not_answer_again(look: Looking, inventory: Inventory) -> None:
    record_unreachable(inventory, "north", "site.unreachable", at=time.time())
    look()
    look.now += 601
    assert look() == [("unreachable", "north", "begins")]
    sites.remove_site(inventory, "north")
    assert look() == []
    sites.add_site(inventory, "north", "embedded", "/nowhere", at=NOW)
    assert look() == []


def test_rollouts_tell_what_they_want_and_how_they_ended(
    look: Looking, inventory: Inventory
) -> None:
    catalog.add_app(inventory, "brake-disc", at=NOW)
    releases.add_release(inventory, spec(), at=NOW)
    names = []
    for number in range(4):
        found = rollouts.create_rollout(inventory, plan(f"s{number}"), "op-1", at=time.time())
        names.append(found)
    asks, fails, unsure, waits = names
    rollouts.set_state(inventory, asks, RolloutState.APPROVAL, at=time.time(), reason="wave 2")
    rollouts.set_state(inventory, fails, RolloutState.FAILED, at=time.time(), reason="gate")
    rollouts.set_state(inventory, unsure, RolloutState.INCONCLUSIVE, at=time.time())
    rollouts.set_state(inventory, waits, RolloutState.WAITING, at=time.time())
    assert sorted(look()) == [
        ("approval", asks, "begins"),
        ("failed", fails, "begins"),
        ("inconclusive", unsure, "begins"),
    ]
    inventory.execute("UPDATE rollouts SET created_at = created_at - 90000")
    rollouts.set_state(inventory, asks, RolloutState.RUNNING, at=time.time())
    assert sorted(look()) == [("approval", asks, "over"), ("waiting", waits, "begins")]
    rollouts.set_state(inventory, waits, RolloutState.DONE, at=time.time())
    assert look() == [("waiting", waits, "over")]
    assert look() == []


def test_each_guard_that_went_back_is_told_once(look: Looking, inventory: Inventory) -> None:
    for _ in range(2):
        detail = "brake-disc: deadline, back to brake-disc@1"
        events.add_event(inventory, "north", "guard.reverted", at=time.time(), detail=detail)
    events.add_event(inventory, "north", "guard.settled", at=time.time())
    assert look() == [("reverted", "north", "begins")] * 2
    look.again()
    assert look() == []


def test_the_controllers_own_trouble_begins_and_is_over(look: Looking) -> None:
    assert look(collecting="the disk is full") == [("trouble", "collecting", "begins")]
    assert look(collecting="the disk is full") == []
    assert look() == [("trouble", "collecting", "over")]


def test_an_account_that_ends_is_told_while_there_is_time(
    home: Home, look: Looking, inventory: Inventory
) -> None:
    sites.add_site(inventory, "plant", "k3s", "", at=NOW)

    def account(ends_at: float) -> None:
        claims = base64.urlsafe_b64encode(json.dumps({"exp": ends_at}).encode()).decode()
        home.site("plant").mkdir(parents=True, exist_ok=True)
        text = f"users: [{{user: {{token: a.{claims.rstrip('=')}.b}}}}]\n"
        (home.site("plant") / "account.yaml").write_text(text)
        look.now += 601

    account(time.time() + 30 * 86400)
    assert look() == []
    account(time.time() + 10 * 86400)
    assert look() == [("expiring", "plant", "begins")]
    account(time.time() + 90 * 86400)
    assert look() == [("expiring", "plant", "over")]
    (home.site("plant") / "account.yaml").write_bytes(b"\xff")
    look.now += 601
    assert look() == []


def test_each_thing_that_ends_is_told_though_another_of_the_site_was_renewed(
    look: Looking, inventory: Inventory
) -> None:
    sites.add_site(inventory, "quay", "kubernetes", "/home/ann/.kube/config#quay", at=NOW)

    def ends(**days: float) -> list[tuple[str, str]]:
        until: dict[str, Any] = {name: time.time() + 86400 * left for name, left in days.items()}
        figures = ClusterFigures(**until)
        state = SiteState(
            site="quay", at=NOW, lease=None, devices=(), apps=(), instances=(), cluster=figures
        )
        record_site_state(inventory, "quay", state, at=time.time())
        look.now += 601
        return sorted((about, state) for _, about, state in look.whole())

    token, served = "quay token", "quay server certificate"
    assert ends(token_ends=5.0, certificate_ends=6.0) == [(served, "begins"), (token, "begins")]
    assert ends(token_ends=365.0, certificate_ends=6.0) == [(token, "over")]
    assert ends(token_ends=365.0, certificate_ends=-1.0) == []
    assert ends(token_ends=13.0, certificate_ends=365.0) == [(served, "over"), (token, "begins")]
    # as versions told it that knew one state of a whole site
    notices.add_notice(inventory, Notice("notice.expiring", "quay", {}), (), at=time.time())
    sites.remove_site(inventory, "quay")
    look.now += 601
    assert look() == [], "nothing of it was renewed"
    assert notices.lasting(inventory, "notice.expiring") == set()


def test_what_lets_us_into_a_cluster_is_told_before_it_ends(
    look: Looking, inventory: Inventory
) -> None:
    sites.add_site(inventory, "quay", "kubernetes", "/home/ann/.kube/config#quay", at=NOW)

    def seen(**ends: float) -> list[tuple[str, str, str]]:
        until: dict[str, Any] = {name: time.time() + 86400 * days for name, days in ends.items()}
        figures = ClusterFigures(**until)
        state = SiteState(
            site="quay", at=NOW, lease=None, devices=(), apps=(), instances=(), cluster=figures
        )
        record_site_state(inventory, "quay", state, at=time.time())
        look.now += 601
        return look()

    assert seen(client_ends=30.0, certificate_ends=200.0) == []
    assert seen(client_ends=13.0, certificate_ends=200.0) == [("expiring", "quay", "begins")]
    assert seen(client_ends=365.0, certificate_ends=200.0) == [("expiring", "quay", "over")]
    assert seen(certificate_ends=-1.0) == [("expiring", "quay", "begins")]
    assert seen(token_ends=90.0) == [("expiring", "quay", "over")]
    assert seen() == [], "a plug-in's token has no end that matters"
