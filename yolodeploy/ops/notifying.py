"""Telling people who are not looking: an outbox in the inventory, and whoever empties it.

At least once: what is in the outbox stays there until its place has taken it. Each notice has an
id by which receivers know doubles.
"""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.errors import Refused, UsageError, YolodeployError
from yolodeploy.core.notices import (
    TEST,
    Notice,
    Pending,
    body_of,
    delay_s,
    event_of,
    wait_s,
)
from yolodeploy.inventory import notices as rows
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.events import add_event
from yolodeploy.oci.locks import locked
from yolodeploy.ops.notice_places import Place, places_of, refused_by
from yolodeploy.ops.settings import language, settings

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home

TURN_S = 5.0
"""How long to wait for another process that delivers: it takes ours along, or leaves it."""


def notify(home: Home, notice: Notice) -> None:
    """Tell that a state begins, or is over; the same again is harmless.

    It takes seconds where a place does not answer. It never raises: what is to be told matters
    more than telling it. What cannot be delivered stays in the outbox, for the controller, the
    dashboard or the next notice; what cannot even be stored is told directly, once.
    """
    places = _places(notice)
    if not places:
        return
    try:
        with open_inventory(home.inventory) as inventory:
            if post(inventory, notice):
                deliver(home, inventory)
    except YolodeployError:
        told = body([Pending(f"unstored-{time.time_ns():x}", notice, time.time())])
        for place in places:
            refused_by(place, told)


def post(inventory: Inventory, notice: Notice) -> bool:
    """Put a notice into the outbox, for whoever delivers next; False where it was there before.

    Raises:
        YolodeployError: `inventory.*`.
    """
    places = [place.name for place in _places(notice)]
    return bool(places) and rows.add_notice(inventory, notice, places, at=time.time())


def deliver(home: Home, inventory: Inventory) -> list[YolodeployError]:
    """Deliver what waits and is due, place by place; why some did not take it.

    Raises:
        YolodeployError: `inventory.*`.
    """
    if not rows.waiting(inventory):
        return []
    try:
        with locked(home.root / ".notifying", wait_s=TURN_S):
            found = [_deliver_to(inventory, place) for place in configured()]
    except Refused:  # somebody else is at it
        return []
    return [error for error in found if error is not None]


def configured() -> list[Place]:
    """The places that the settings name; none where the settings are not valid."""
    try:
        return places_of(settings())
    except UsageError:  # `doctor` and `config validate` say so
        return []


def demand_places() -> list[Place]:
    """The places that the settings name.

    Raises:
        UsageError: As `ops.settings.settings`.
        Refused: `notice.no_place`.
    """
    places = places_of(settings())
    if not places:
        raise Refused("notice.no_place")
    return places


def try_out() -> list[tuple[str, YolodeployError | None]]:
    """Tell every place a test notice now, past the outbox; who took it, or why not.

    Raises:
        UsageError, Refused: As `demand_places`.
    """
    places = demand_places()
    test = Notice(TEST, "test", {"host": socket.gethostname()})
    told = body([Pending(f"test-{time.time_ns():x}", test, time.time())])
    return [(place.name, refused_by(place, told)) for place in places]


def body(pending: Sequence[Pending]) -> bytes:
    """What is posted, or written to a command's standard input."""
    return msgspec.json.encode(body_of(pending, socket.gethostname(), language())) + b"\n"


def _places(notice: Notice) -> list[Place]:
    try:
        wanted = settings()["notify_events"].value
    except UsageError:
        return []
    return configured() if wanted == "all" or event_of(notice.code) in wanted.split(",") else []


def _deliver_to(inventory: Inventory, place: Place) -> YolodeployError | None:
    """One delivery to a place, where it is due; why it did not take it."""
    now = time.time()
    state = rows.place_row(inventory, place.name)
    # a clock that was set back must not silence us either
    waits = state.failures and 0 < state.again_at - now < delay_s(state.failures, 1.0)
    told = rows.pending(inventory, place.name)
    if not told or waits or wait_s(state.sent, now) > 0:
        return None
    error = refused_by(place, body(told))
    if error is None:
        rows.delivered(inventory, place.name, told, state, at=now)
        return None
    failures = state.failures + 1
    again_at = now + delay_s(failures, random.random())  # noqa: S311 no secret
    failed = rows.PlaceRow(failures, again_at, error.text(), state.sent)
    gone = rows.not_delivered(inventory, place.name, failed, at=now)
    if gone:
        add_event(inventory, "", "notice.given_up", at=now, detail=f"{gone} to the {place.name}")
    return error
