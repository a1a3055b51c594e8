"""One play: title, the columns of its hosts and of a host's tasks, and what a task said."""

from __future__ import annotations

import json
from collections.abc import Iterator

from yolodeploy.core.messages import message
from yolodeploy.core.text import one_line
from yolodeploy.inventory.operations import OperationEvent
from yolodeploy.ops.play_progress import BAD, RUNNING, HostRun, TaskRun
from yolodeploy.tui.state.plays import PlayDetail
from yolodeploy.tui.views.columns import Column
from yolodeploy.tui.views.figures import clock_time, duration
from yolodeploy.tui.views.signs import TASK, signed
from yolodeploy.tui.views.sites import play_name, play_state
from yolodeploy.tui.views.spans import Line, Look, Span, wrapped

# Ansible's own name for the first task of a role; the role's description follows it
_ARGUMENTS = "Validating arguments"
_MOST_LINES = 200
_UNKNOWN = ("·", "dim")


def play_title(detail: PlayDetail, look: Look) -> Line:
    """Site, playbook, state, how long."""
    item = detail.item
    took = (item.ended_at or look.now) - item.created_at
    return (
        Span(item.site, "strong"),
        Span(f"  {play_name(item, look)}  ", "title"),
        play_state(item, look),
        Span(f"  {duration(took, look.words)}"),
        Span(f"  {item.id}", "dim"),
    )


def task_name(task: TaskRun) -> str:
    """`role: task`."""
    name = _ARGUMENTS if task.task.startswith(_ARGUMENTS) else task.task
    return f"{task.role}: {name}" if task.role else name


def took_s(task: TaskRun, now: float) -> float:
    """How long it took, or takes so far."""
    return max(now - task.began_at, 0.0) if task.state == RUNNING else task.seconds


def _host(host: HostRun, look: Look) -> Line:
    return (Span(host.host),)


def _host_state(host: HostRun, look: Look) -> Line:
    state = host.state
    if not host.ended and state not in (RUNNING, *BAD):
        state = "waiting"  # for the others
    return (_state(state, look),)


def _roles(host: HostRun, look: Look) -> Line:
    return tuple(Span(*TASK.get(state, _UNKNOWN)) for _, state in host.roles)


def _now(host: HostRun, look: Look) -> Line:
    task = host.current
    return (Span(task_name(task)),) if task else ()


def _host_took(host: HostRun, look: Look) -> Line:
    task = host.current
    if task is None or host.ended:
        return ()
    return (Span(_seconds(took_s(task, look.now))),)


def _count(host: HostRun, look: Look) -> Line:
    return (Span(str(len(host.tasks)), "dim"),)


def _changed(host: HostRun, look: Look) -> Line:
    return (Span(str(host.changed), "" if host.changed else "dim"),)


HOST_COLUMNS: tuple[Column[HostRun], ...] = (
    Column("device", _host, lambda host: host.host, 6, 24),
    Column("state", _host_state, lambda host: host.state, 9, 13),
    Column("roles", _roles, lambda host: len(host.roles), 5, 20, rank=2),
    Column("tasks", _count, lambda host: len(host.tasks), 3, 5, rank=3, right=True),
    Column("changed", _changed, lambda host: host.changed, 3, 7, rank=1, right=True),
    Column("took", _host_took, lambda host: 0.0, 7, 8, right=True),
    Column("now_at", _now, lambda host: host.state, 16, 16, flexible=True),
)


def _task_state(task: TaskRun, look: Look) -> Line:
    return (_state(task.state, look),)


def _task_name(task: TaskRun, look: Look) -> Line:
    return (Span(task_name(task)),)


def _task_took(task: TaskRun, look: Look) -> Line:
    return (Span(_seconds(took_s(task, look.now)), "dim"),)


def _task_began(task: TaskRun, look: Look) -> Line:
    return (Span(clock_time(task.began_at, look.now), "dim"),)


TASK_COLUMNS: tuple[Column[TaskRun], ...] = (
    Column("begun", _task_began, lambda task: task.began_at, 8, 11, rank=1),
    Column("state", _task_state, lambda task: task.state, 9, 13),
    Column("took", _task_took, lambda task: task.seconds, 7, 8, right=True),
    Column("task", _task_name, lambda task: task.number, 16, 16, flexible=True),
)


def task_lines(host: str, task: TaskRun, look: Look, width: int, most: int = 4) -> list[Line]:
    """What a task said: why it failed and what mends it, else what it reported."""
    lines: list[Line] = [(Span(f"  {host}  ", "title"), Span(task_name(task), "strong"))]
    if task.code:
        lines += error_lines(task.code, task.fields, look, width, most)
    for key, text in _reported(task):
        lines += wrapped(f"{key}: {text}", width - 1, "", 2, most)
    if len(lines) == 1 and task.state != RUNNING:
        lines.append((Span("  " + look.words("play.nothing"), "dim"),))
    return lines[:_MOST_LINES]


def note_lines(events: tuple[OperationEvent, ...], look: Look, width: int) -> list[Line]:
    """What was said of no host: the last two."""
    lines: list[Line] = []
    for event in events[-2:]:
        if event.level == "error":
            lines += error_lines(event.code, event.fields, look, width, 2)
            continue
        text = message(event.code).rendered("text", look.words.language, _texts(event.fields))
        lines += wrapped(text, width - 1, "dim", 2, 2)
    return lines


def error_lines(code: str, fields: object, look: Look, width: int, most: int) -> list[Line]:
    """An error of ours in the person's language, and what mends it."""
    found, told, language = message(code), _texts(fields), look.words.language
    remedy = found.rendered("remedy", language, told)
    lines = wrapped(f"✗ {found.rendered('text', language, told)}", width - 1, "bad", 2, most)
    return [*lines, *(wrapped(remedy, width - 1, "", 4, most) if remedy else [])]


def _reported(task: TaskRun) -> Iterator[tuple[str, str]]:
    for key, value in task.report.items():
        yield str(key), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _texts(fields: object) -> dict[str, str]:
    items = fields.items() if hasattr(fields, "items") else ()
    return {str(name): one_line(str(value), 600) for name, value in items}


def _state(state: str, look: Look) -> Span:
    return signed(TASK.get(state, _UNKNOWN), look.words(f"task.{state}"))


def _seconds(value: float) -> str:
    return f"{value:.1f} s"
