"""The options of `rollout plan` and `rollout start`: how a rollout shall go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from yolodeploy.cli.words import DURATION, Seconds, select_option, sites_option
from yolodeploy.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from yolodeploy.core.beside import Beside
    from yolodeploy.rollouts.planning import Wish

_COUNTS = re.compile(r"[1-9]\d?|100", re.ASCII)
_SHARE = re.compile(r"([1-9]\d?|100)%", re.ASCII)

now_option = click.option(
    "--now", is_flag=True, help="Do not wait for the sites' windows, nor for the end of a freeze."
)

_OPTIONS = (
    sites_option,
    select_option,
    click.option(
        "--waves",
        default="1,25%,100%",
        show_default=True,
        help="Sites moved after each wave: counts or percentages.",
    ),
    click.option(
        "--wave",
        "lists",
        multiple=True,
        metavar="SITE,SITE",
        help="A wave by name; repeatable; the rest follow.",
    ),
    click.option(
        "--between",
        type=DURATION,
        default="0s",
        show_default=True,
        help="How long a wave is watched before the next begins.",
    ),
    click.option(
        "--approve-after",
        default="",
        metavar="N,N|each",
        help="Waves after which a person must approve.",
    ),
    click.option(
        "--on-failure",
        type=click.Choice(["site", "wave", "rollout"]),
        default="rollout",
        show_default=True,
        help="How far a failure reaches.",
    ),
    click.option(
        "--max-failed",
        default="",
        metavar="N|P%",
        help="So many sites may fail, alone, before it reaches further.",
    ),
    click.option(
        "--accept-classes",
        is_flag=True,
        help="The classes change, and that is meant: judge by health alone.",
    ),
    click.option(
        "--concurrency", metavar="N[,N]", help="Sites at once; or wave by wave, the last counts on."
    ),
    click.option(
        "--jitter",
        type=DURATION,
        default="0s",
        show_default=True,
        help="The sites of a wave begin spread over so long.",
    ),
    click.option(
        "--expires",
        type=DURATION,
        default="7d",
        show_default=True,
        help="Give a site up that must wait for so long.",
    ),
    now_option,
    click.option(
        "--settle",
        type=Seconds(1, 86400),
        default=120.0,
        show_default=True,
        help="Seconds until every instance must be ready.",
    ),
    click.option(
        "--observe",
        type=Seconds(0.5, 86400),
        default=60.0,
        show_default=True,
        help="Seconds to watch a site at most.",
    ),
    click.option(
        "--soak",
        type=Seconds(0, 86400),
        default=5.0,
        show_default=True,
        help="Seconds to watch a site at least.",
    ),
    click.option(
        "--beside",
        type=click.Choice(["canary", "shadow", "blue-green"]),
        help="First try it beside the old release, which goes on serving.",
    ),
    click.option(
        "--share",
        metavar="P%",
        help="Of the traffic: what a canary gets, or a shadow sees.  [default: 25%]",
    ),
    click.option(
        "--beside-for",
        type=DURATION,
        metavar="TIME",
        help="How long it runs beside at least.  [default: 1m]",
    ),
    click.option(
        "--guard",
        type=Seconds(1, 864000),
        help="Seconds after which a site reverts what nobody commits.",
    ),
)


def wish_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how a rollout shall go."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def wish_of(**given: Any) -> Wish:
    """What the options ask for.

    Raises:
        UsageError: `wave.concurrency_invalid`, `rollout.share_invalid`, `rollout.no_way`.
    """
    import msgspec

    from yolodeploy.core.waves import Scope
    from yolodeploy.ops.actions import default_wish

    wish: Wish = default_wish()
    at_once = _at_once(given["concurrency"])
    wish = msgspec.structs.replace(
        wish,
        waves=given["waves"],
        lists=tuple(tuple(text.split(",")) for text in given["lists"]),
        on_failure=Scope(given["on_failure"]),
        accept_classes=given["accept_classes"],
        concurrency=max(at_once, default=wish.concurrency),
        wave_concurrency=at_once,
        settle_s=given["settle"],
        observe_s=given["observe"],
        soak_s=given["soak"],
        between_s=given["between"],
        approve_after=given["approve_after"],
        max_failed=given["max_failed"],
        jitter_s=given["jitter"],
        expires_s=given["expires"],
        windows=not given["now"],
        beside=_beside(given["beside"], given["share"], given["beside_for"]),
        beside_for_s=wish.beside_for_s if given["beside_for"] is None else given["beside_for"],
    )
    if given["guard"]:
        return msgspec.structs.replace(wish, guard_s=given["guard"])
    return wish.guarded()


def _beside(way: str | None, share: str | None, for_s: float | None) -> Beside | None:
    from yolodeploy.core.beside import Beside, Way

    if way is None:
        if share is not None or for_s is not None:
            option = "--share" if share is not None else "--beside-for"
            raise UsageError("rollout.no_way", option=option)
        return None
    if share is None:
        return Beside(Way(way))
    match = _SHARE.fullmatch(share.strip())
    if match is None or Way(way) is Way.BLUE_GREEN:
        raise UsageError("rollout.share_invalid", share=share, way=way)
    return Beside(Way(way), int(match[1]))


def _at_once(text: str | None) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")] if text is not None else []
    for part in parts:
        if not _COUNTS.fullmatch(part):
            raise UsageError("wave.concurrency_invalid", spec=text)
    return tuple(map(int, parts))
