"""The list of sites: its columns."""

from __future__ import annotations

from yolodeploy.tui.state.fleet import Status
from yolodeploy.tui.state.plays import PlayItem, SiteItem
from yolodeploy.tui.views.columns import Column
from yolodeploy.tui.views.figures import duration
from yolodeploy.tui.views.signs import OPERATION, STATUS, signed
from yolodeploy.tui.views.spans import Line, Look, Span


def play_state(play: PlayItem, look: Look) -> Span:
    """Sign and word."""
    return signed(OPERATION[play.state], look.words(f"operation.{play.state.value}"))


def play_name(play: PlayItem, look: Look) -> str:
    """What it does, as its playbook is called."""
    name = play.playbook.removesuffix(".yml")
    return look.words("play.check", name=name) if play.check else name


def reached(reachable: bool | None, look: Look) -> Span:
    """Whether it answered when it was asked last."""
    status = {True: Status.READY, False: Status.OFFLINE, None: Status.NEW}[reachable]
    word = look.words("site.answers" if reachable else f"status.{status.value}")
    return signed(STATUS[status], word)


def _site(site: SiteItem, look: Look) -> Line:
    return (Span(site.name), *((Span(" ■", "warn"),) if site.held is not None else ()))


def _kind(site: SiteItem, look: Look) -> Line:
    return (Span(site.kind, "dim"),)


def _state(site: SiteItem, look: Look) -> Line:
    return (reached(site.reachable, look),)


def _devices(site: SiteItem, look: Look) -> Line:
    return (Span(str(site.devices)),)


def _proved(site: SiteItem, look: Look) -> Line:
    if site.proved is None:
        return (Span("–", "dim"),)
    tone = "good" if site.proved == site.devices else "warn"
    return (Span(f"{site.proved}/{site.devices}", tone),)


def _k3s(site: SiteItem, look: Look) -> Line:
    return (Span(site.k3s_version or "–", "" if site.k3s_version else "dim"),)


def _backup(site: SiteItem, look: Look) -> Line:
    if site.backed_up_at is None:
        return (Span("–", "dim"),)
    return (Span(duration(look.now - site.backed_up_at, look.words), "dim"),)


def _play(site: SiteItem, look: Look) -> Line:
    play = site.play
    if play is None:
        return ()
    took = (play.ended_at or look.now) - play.created_at
    return (
        play_state(play, look),
        Span(f"  {play_name(play, look)}"),
        Span(f"  {duration(took, look.words)}", "dim"),
    )


SITE_LIST_COLUMNS: tuple[Column[SiteItem], ...] = (
    Column("site", _site, lambda site: site.name, 6, 24),
    Column("kind", _kind, lambda site: site.kind, 4, 10, rank=4),
    Column("state", _state, lambda site: str(site.reachable), 9, 10),
    Column("devices", _devices, lambda site: site.devices, 4, 7, right=True),
    Column("proved", _proved, lambda site: site.proved or 0, 5, 8, rank=3, right=True),
    Column("k3s", _k3s, lambda site: site.k3s_version, 5, 14, rank=1),
    Column("backup", _backup, lambda site: site.backed_up_at or 0.0, 5, 7, rank=2, right=True),
    Column(
        "operation",
        _play,
        lambda site: site.play.created_at if site.play else 0.0,
        16,
        16,
        flexible=True,
    ),
)
