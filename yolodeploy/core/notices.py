"""What needs a person: the states that are told, and the rules of telling. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from yolodeploy.core.messages import message, texts
from yolodeploy.core.sentences import Sentence

EVENTS = {
    "approval": "a rollout waits for an approval",
    "failed": "a rollout failed",
    "inconclusive": "a rollout's gates could not tell",
    "expired": "a rollout ended without sites that were not to be had",
    "waiting": "a rollout has waited for too long",
    "reverted": "a site's guard brought the previous release back",
    "unreachable": "a site does not answer",
    "expiring": "what lets us into a site, or its certificate, is about to end",
    "trouble": "the controller itself cannot go on",
}
"""What can be told: the last word of a notice's code, and what it means."""

TEST = "notice.test"
PER_MINUTE = 6
"""Deliveries to one place; what comes faster goes together in the next one."""

TOGETHER = 100
KEPT_S = 3 * 86400.0
"""How long a place may be away before what waits for it is given up."""

_SHORTEST_S, _LONGEST_S = 15.0, 1800.0


class Notice(NamedTuple):
    """A state that begins, or is `over`.

    `code` is `notice.` and one of `EVENTS`, `about` what the state is of (`r-7`, a site's name, or
    `plant account` where a site has several): both together are told once, until the state is over
    and begins anew. `fields` are those of the catalogue's text; a rollout's reason is a sentence.
    """

    code: str
    about: str
    fields: Mapping[str, str | Sentence]
    over: bool = False


class Pending(NamedTuple):
    """A notice that is still to be delivered: `id` is what receivers know doubles by."""

    id: str
    notice: Notice
    at: float


def event_of(code: str) -> str:
    """The event of a notice's code."""
    return code.partition(".")[2]


def delay_s(failures: int, chance: float) -> float:
    """Seconds before the next attempt after `failures` ≥ 1 in a row; `chance` is from 0 to 1."""
    grown_s = _SHORTEST_S * 2.0 ** min(failures - 1, 10)
    return min(grown_s, _LONGEST_S) * (0.75 + 0.25 * chance)


def wait_s(sent: Sequence[float], now: float) -> float:
    """Seconds until a place may be told again, after the deliveries at `sent`."""
    # a clock that was set back must not silence us until it has come that far again
    recent = sorted(at for at in sent if now - 60.0 < at <= now)
    return recent[-PER_MINUTE] + 60.0 - now if len(recent) >= PER_MINUTE else 0.0


def body_of(pending: Sequence[Pending], sender: str, language: str) -> dict[str, Any]:
    """What is delivered: a text for people, and each notice for programs."""
    told = [_told(item, language) for item in pending]
    lines = [f"{one['text']} ({one['remedy']})" if one["remedy"] else one["text"] for one in told]
    return {"text": "\n".join(lines), "from": sender, "notices": told}


def _told(item: Pending, language: str) -> dict[str, Any]:
    notice = item.notice
    code = f"{notice.code}_over" if notice.over else notice.code
    found = message(code)
    fields = texts(notice.fields, language)
    return {
        "id": f"{item.id}-over" if notice.over else item.id,
        "event": event_of(notice.code),
        "code": code,
        "about": notice.about,
        "state": "over" if notice.over else "begins",
        "at": datetime.fromtimestamp(item.at, UTC).isoformat(timespec="seconds"),
        "text": found.rendered("text", language, fields),
        "remedy": found.rendered("remedy", language, fields),
        "fields": texts(notice.fields, "en"),
        "said": {
            name: msgspec.to_builtins(value)
            for name, value in notice.fields.items()
            if isinstance(value, Sentence)
        },
    }
