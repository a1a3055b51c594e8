"""Cameras of a site: the columns of their table, and one in full."""

from __future__ import annotations

from yolodeploy.core.camera_address import shown_url
from yolodeploy.core.camera_state import CameraState, why
from yolodeploy.core.camera_trial import Found
from yolodeploy.ops.cameras import Listed
from yolodeploy.tui.views.columns import Column
from yolodeploy.tui.views.signs import CAMERA, signed
from yolodeploy.tui.views.spans import Line, Look, Span, wrapped

_UNKNOWN = "unknown"


def phase_cell(camera: Listed, look: Look) -> Line:
    """Sign and word; black and frozen pictures are told, though results flow."""
    state = camera.state
    phase = state.phase if state is not None else _UNKNOWN
    spans = [signed(CAMERA[phase], look.words(f"camera.{phase}"))]
    for warning in ("black", "frozen"):
        if state is not None and getattr(state, warning):
            spans.append(Span(" " + look.words(f"camera.{warning}"), "warn"))
    return tuple(spans)


def url_of(camera: Listed) -> str:
    """Where its pictures come from, without a password."""
    return shown_url(camera.camera.url) or "–"


def _name(camera: Listed, look: Look) -> Line:
    return (Span(camera.camera.name),)


def _fps(camera: Listed, look: Look) -> Line:
    return (Span(f"{camera.state.fps:.1f}" if camera.state else "–"),)


def _device(camera: Listed, look: Look) -> Line:
    return (Span(camera.device or "–", "dim"),)


def _dropped(camera: Listed, look: Look) -> Line:
    return (Span(f"{camera.state.dropped:,}" if camera.state else "–", "dim"),)


def _told(camera: Listed, look: Look) -> Line:
    """Why it fails, else where its pictures come from."""
    reason = _reason(camera.state, look)
    return (Span(reason, "bad") if reason else Span(url_of(camera), "dim"),)


def _reason(state: CameraState | None, look: Look) -> str:
    """Why it fails, in the language of the person."""
    told = why(state) if state is not None else None
    return told.text(look.words.language) if told else ""


CAMERA_COLUMNS: tuple[Column[Listed], ...] = (
    Column("camera", _name, lambda camera: camera.camera.name, 6, 24),
    Column("state", phase_cell, lambda c: c.state.phase if c.state else "", 10, 18),
    Column("fps", _fps, lambda c: c.state.fps if c.state else 0.0, 5, 6, right=True),
    Column("device", _device, lambda camera: camera.device, 6, 20, rank=1),
    Column("dropped", _dropped, lambda c: c.state.dropped if c.state else 0, 5, 9, rank=2,
           right=True),
    Column("source", _told, lambda camera: camera.camera.url, 16, 16, flexible=True),
)  # fmt: skip


def camera_lines(camera: Listed, look: Look, width: int, most: int = 3) -> list[Line]:
    """One camera in full: where from, what comes, what is wrong."""
    state, words = camera.state, look.words
    lines = [(Span("  "), Span(camera.camera.name, "title"), Span("  "), *phase_cell(camera, look))]
    lines += wrapped(url_of(camera), width - 1, "", 2, most)
    if state is None:
        return [*lines, *wrapped(words("camera.untold"), width - 1, "dim", 2, most)]
    if state.width:
        told = words(
            "camera.stream", codec=state.codec or "–", width=state.width, height=state.height,
            fps=f"{state.fps:.1f}", stream_fps=f"{state.stream_fps:.1f}",
        )  # fmt: skip
        lines += wrapped(told, width - 1, "", 2, most)
    told = words(
        "camera.counts", frames=f"{state.frames:,}", looked_at=f"{state.looked_at:,}",
        dropped=f"{state.dropped:,}", corrupt=f"{state.corrupt:,}", restarts=f"{state.restarts:,}",
    )  # fmt: skip
    lines += wrapped(told, width - 1, "dim", 2, most)
    if reason := _reason(state, look):
        lines += wrapped(f"✗ {reason}", width - 1, "bad", 2, most)
    return lines


def trial_line(found: Found, look: Look) -> Line:
    """What a look at a camera from this machine came to."""
    text = look.words(
        "camera.tried", codec=found.codec, width=found.width, height=found.height,
        fps=f"{found.fps:.1f}",
    )  # fmt: skip
    return (Span(f"  ● {text}", "good"),)
