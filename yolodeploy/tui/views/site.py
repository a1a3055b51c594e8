"""One site as lines: who may change it when, what runs there, what ends soon."""

from __future__ import annotations

from collections.abc import Iterator

from yolodeploy.core.text import cells, fit, one_line
from yolodeploy.tui.state.site import AppItem, DeviceItem, SiteDetail
from yolodeploy.tui.views.figures import DAY_S, clock_time, duration
from yolodeploy.tui.views.fleet import status_cell
from yolodeploy.tui.views.signs import PHASE, signed
from yolodeploy.tui.views.sites import play_name, play_state, reached
from yolodeploy.tui.views.spans import Line, Look, Span, width_of, wrapped

_NAME = 30  # cells, at most


def site_title(detail: SiteDetail, look: Look) -> Line:
    """Name, kind, whether it answers."""
    return (
        Span(detail.row.name, "strong"),
        Span(f"  {detail.row.kind}  ", "dim"),
        reached(detail.row.reachable, look),
    )


def site_lines(detail: SiteDetail, look: Look, width: int) -> list[Line]:
    """The whole screen below its title."""
    lines = [*_troubles(detail, look, width), *_facts(detail, look, width), ()]
    for app in detail.apps:
        lines += _app(app, look, width)
    if not detail.apps:
        lines.append((Span("  " + look.words("site.no_app"), "dim"),))
    lines += [(), (Span("  " + look.words("count.devices", n=len(detail.devices)), "title"),)]
    room = min(max((cells(one_line(d.row.device)) for d in detail.devices), default=0), _NAME)
    for device in detail.devices:
        lines += _device(device, room, look, width)
    return lines


def _troubles(detail: SiteDetail, look: Look, width: int) -> Iterator[Line]:
    """Why it is not simply ready."""
    row, words = detail.row, look.words
    if row.reachable is False:
        why = words.event(row.reason) or "–"
        since = words("device.never", reason=why)
        if row.observed_at is not None:
            at, ago = (
                clock_time(row.observed_at, look.now),
                duration(look.now - row.observed_at, words),
            )
            since = words("device.offline", at=at, ago=ago, reason=why)
        yield from wrapped(f"○ {since}", width - 1, "warn", 2)
    if row.held is not None:
        yield from wrapped(f"■ {words('device.held', reason=row.held)}", width - 1, "warn", 2)
    for waiting in row.cluster.waiting if row.cluster else ():
        yield from wrapped(f"✗ {words('site.waits', reason=waiting)}", width - 1, "bad", 2, 2)
    for one in detail.ends:
        if one.is_soon(look.now):
            what = words(f"ends.{one.what}")
            text = words("site.ends_soon", what=what, days=_days(one.ends, look))
            yield from wrapped(f"✗ {text}", width - 1, "bad", 2, 2)


def _facts(detail: SiteDetail, look: Look, width: int) -> Iterator[Line]:
    facts = [(name, text) for name, text in _texts(detail, look) if text]
    room = max(cells(look.words(f"fact.{name}")) for name, _ in facts)
    for name, text in facts:
        first, *more = wrapped(text, width - room - 5)
        label = Span(f"  {fit(look.words(f'fact.{name}'), room)}  ", "dim")
        yield (label, *first)
        for line in more:
            yield (Span(" " * (room + 4)), *line)


def _texts(detail: SiteDetail, look: Look) -> Iterator[tuple[str, str]]:
    row, words = detail.row, look.words
    yield "operator", _operator(detail, look)
    yield "windows", _windows(detail, look)
    yield (
        "ends",
        ", ".join(f"{words(f'ends.{one.what}')} {_days(one.ends, look)}" for one in detail.ends),
    )
    yield "version", row.k3s_version
    yield "labels", " ".join(f"{key}={value}" for key, value in sorted(row.labels.items()))
    yield "unseen", ", ".join(row.cluster.unseen) if row.cluster else ""
    yield "location", row.location
    play = detail.play
    if play is not None:
        ago = words("ago", age=duration(look.now - play.created_at, words))
        yield "play", f"{play_state(play, look).text} {play_name(play, look)}, {ago}"


def _operator(detail: SiteDetail, look: Look) -> str:
    """Who has its Lease, by the site's word; a site that is gone may have another one by now."""
    row, words = detail.row, look.words
    if not row.lease_holder:
        return words("operator.nobody")
    if row.lease_until is None:
        return row.lease_holder
    left = row.lease_until - look.now
    key = "operator.until" if left > 0 else "operator.ended"
    return words(key, holder=row.lease_holder, time=duration(abs(left), words))


def _windows(detail: SiteDetail, look: Look) -> str:
    calendar, words = detail.row.calendar, look.words
    if calendar.always:
        return words("window.always")
    told = "; ".join(map(str, (*calendar.windows, *calendar.freezes)))
    if detail.opens_at is None:
        state = words("window.never")
    elif detail.opens_at <= look.now:
        state = words("window.open")
    else:
        state = words("window.opens", at=clock_time(detail.opens_at, look.now))
    return f"{told} ({calendar.zone}): {state}"


def _app(app: AppItem, look: Look, width: int) -> Iterator[Line]:
    words = look.words
    spans = [Span("  "), Span(app.release or app.app, "title")]
    if app.phase in PHASE:
        spans += [Span("  "), signed(PHASE[app.phase], words(f"phase.{app.phase}"))]
    if app.outage_s:
        spans.append(Span("  " + words("site.last_outage", s=f"{app.outage_s:g}"), "dim"))
    if app.previous:
        spans.append(Span("  " + words("site.previous", release=app.previous), "dim"))
    yield tuple(spans)
    if app.reason:
        yield from wrapped(app.reason, width - 1, "bad", 4, 3)


def _device(item: DeviceItem, room: int, look: Look, width: int) -> Iterator[Line]:
    words, row = look.words, item.row
    status = status_cell(row, look)
    spans = [Span("  "), Span(fit(one_line(row.device), room)), Span("  "), *status]
    spans.append(Span(" " * max(14 - width_of(status), 1)))
    if item.instances:
        ready = words("device.instances", ready=item.ready, all=item.instances)
        spans.append(Span(ready, "dim" if item.ready == item.instances else "bad"))
    if row.recent:
        spans.append(Span(f"  p95 {row.recent.p95_ms:.1f} ms"))
    if item.sharing:
        spans.append(Span("  " + words("site.sharing", sharing=item.sharing), "dim"))
    yield tuple(spans)
    if item.node:
        yield from wrapped(item.node, width - 1, "dim", room + 4, 3)
    if row.reason and row.reason != row.site_held:
        yield from wrapped(words.event(row.reason), width - 1, "warn", room + 4, 3)


def _days(ends: float, look: Look) -> str:
    return look.words("unit.d", n=int((ends - look.now) // DAY_S))
