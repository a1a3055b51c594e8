"""One play while it runs, or afterwards: hosts and their tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from yolodeploy.ops.actions import Subject
from yolodeploy.ops.play_progress import HostRun, TaskRun
from yolodeploy.tui.keys import bindings_of
from yolodeploy.tui.screens.framed import Framed
from yolodeploy.tui.screens.whole import Whole
from yolodeploy.tui.state.plays import PlayDetail
from yolodeploy.tui.state.snapshot import Snapshot, Wanted
from yolodeploy.tui.views.play import (
    HOST_COLUMNS,
    TASK_COLUMNS,
    note_lines,
    play_title,
    task_lines,
)
from yolodeploy.tui.views.spans import Line, Look, Span
from yolodeploy.tui.widgets.lines import Lines
from yolodeploy.tui.widgets.table import Table

_MOST = 40  # lines of one text


class PlayScreen(Framed):
    """Hosts × tasks. It shows a journal: closed and opened again, it is as it was."""

    where = "play"
    tab = "sites"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("play")

    def __init__(self, play: str) -> None:
        super().__init__()
        self._play = play
        self._host = ""

    def body(self) -> ComposeResult:
        """Notes, hosts, the tasks of one of them, what one of these said."""
        yield Lines(id="notes")
        yield Table(HOST_COLUMNS, lambda host: host.host, id="hosts")
        yield Table(TASK_COLUMNS, lambda task: task.number, id="tasks")
        yield Lines(id="said")

    def wanted(self) -> Wanted:
        """This play in full."""
        return Wanted(play=self._play)

    @property
    def runs(self) -> bool:
        """Whether it is under way."""
        detail = self._detail(self.dashboard.snapshot)
        return detail is not None and detail.item.runs

    def subjects(self) -> Sequence[tuple[Subject, str]]:
        """The play while it runs, its site, the fleet."""
        detail = self._detail(self.dashboard.snapshot)
        found: list[tuple[Subject, str]] = []
        if detail is not None:
            found += [(Subject.OPERATION, self._play)] if detail.item.runs else []
            found += [(Subject.SITE, detail.item.site)]
        return [*found, (Subject.FLEET, "")]

    def title_line(self, snapshot: Snapshot, look: Look) -> Line:
        """Site, playbook, state, duration."""
        detail = self._detail(snapshot)
        if detail is None:
            return (Span("  " + look.words("reading"), "dim"),)
        return (Span("  "), *play_title(detail, look))

    def show(self, snapshot: Snapshot, look: Look) -> None:
        """Everything below the title."""
        detail = self._detail(snapshot)
        if detail is not None:
            run = detail.run
            self.query_one("#notes", Lines).show(note_lines(run.notes, look, self.size.width))
            hosts = self._hosts
            hosts.styles.height = min(len(run.hosts) + 1, max(self.size.height // 3, 4))
            hosts.show(run.hosts, look)
            self._show_tasks(look)
            if self.focused is None:
                hosts.focus()
        super().show(snapshot, look)

    @on(Table.Moved, "#hosts")
    def _another_host(self) -> None:
        self._show_tasks(self.dashboard.look())

    @on(Table.Moved, "#tasks")
    def _another_task(self) -> None:
        self._show_said(self.dashboard.look())

    @on(Table.Opened, "#hosts")
    def _to_tasks(self) -> None:
        self._tasks.focus()

    @on(Table.Opened, "#tasks")
    def _open_task(self) -> None:
        task = self._tasks.current
        if task is not None:
            host, look = self._host, self.dashboard.look()
            self.dashboard.push_screen(
                Whole(look.words("output.title"),
                      lambda width: task_lines(host, task, look, width, _MOST))
            )  # fmt: skip

    def action_cancel(self) -> None:
        """End it; what was done stays."""
        if self.runs:
            self.begin("operation.cancel", self._play)

    def action_other(self) -> None:
        """To the other table."""
        (self._tasks if self._hosts.has_focus else self._hosts).focus()

    def action_back(self) -> None:
        """To the list."""
        self.dashboard.pop_screen()

    @property
    def _hosts(self) -> Table[HostRun]:
        return self.query_one("#hosts", Table)

    @property
    def _tasks(self) -> Table[TaskRun]:
        return self.query_one("#tasks", Table)

    def _show_tasks(self, look: Look) -> None:
        """Newest first. The cursor follows the newest one until it is moved away from it."""
        host, tasks = self._hosts.current, self._tasks
        if host is None:
            return
        follows = tasks.rows.cursor == 0 or host.host != self._host
        self._host = host.host
        tasks.show(tuple(reversed(host.tasks)), look)
        if follows:
            tasks.action_go(0)
        self._show_said(look)

    def _show_said(self, look: Look) -> None:
        task = self._tasks.current
        if task is not None:
            lines = task_lines(self._host, task, look, self.size.width, most=3)
            self.query_one("#said", Lines).show(lines)

    def _detail(self, snapshot: Snapshot) -> PlayDetail | None:
        detail = snapshot.play
        return detail if detail is not None and detail.item.id == self._play else None
