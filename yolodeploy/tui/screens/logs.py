"""What servers say of themselves: many at once, in order of time, followed."""

from __future__ import annotations

from collections import deque
from itertools import chain, islice
from threading import Event, Thread
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.logs import LogQuery
from yolodeploy.ops.logs import Told, follow
from yolodeploy.tui.keys import bindings_of
from yolodeploy.tui.messages import LogsHeard
from yolodeploy.tui.screens.framed import Framed
from yolodeploy.tui.state.snapshot import Snapshot
from yolodeploy.tui.views.frame import error_line
from yolodeploy.tui.views.logs import log_lines
from yolodeploy.tui.views.spans import Line, Look, Span
from yolodeploy.tui.widgets.lines import Page

KEPT = 2000
"""Lines: what is older is in `yolodeploy logs`."""

FIRST = 100
"""Lines of each server that are shown at first."""


class LogsScreen(Framed):
    """Follows until it is closed. Scrolled up it stands still, at the end it goes on."""

    where = "logs"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("logs")

    def __init__(self, site: str, device: str = "", tab: str = "sites") -> None:
        super().__init__()
        self.tab = tab  # that of the screen below
        self._site, self._device = site, device
        self._lines: deque[Told] = deque(maxlen=KEPT)
        self._laid: deque[list[Line]] = deque(maxlen=KEPT)
        self._silent = False
        self._stop = Event()

    def body(self) -> ComposeResult:
        """Lines that scroll."""
        yield Page(id="page")

    def on_mount(self) -> None:
        """Begin to listen."""
        super().on_mount()
        self.query_one(Page).focus()
        # a daemon: a site that does not answer delays nobody who quits
        Thread(target=self._follow, name="logs", daemon=True).start()

    def on_unmount(self) -> None:
        """Nobody listens any more."""
        self._stop.set()

    def title_line(self, snapshot: Snapshot, look: Look) -> Line:
        """Whose logs, how many lines, the command that prints them."""
        where = f"{self._site}/{self._device}" if self._device else self._site
        device = f" --device {self._device}" if self._device else ""
        command = f"yolodeploy logs --site {self._site}{device} --follow"
        lines = look.words("logs.lines", n=len(self._lines))
        return (Span(f"  {where}", "strong"), Span(f"  {lines}  $ {command}", "dim"))

    def on_logs_heard(self, message: LogsHeard) -> None:
        """More lines, or why there are none."""
        look = self.dashboard.look()
        if isinstance(message.told, YolodeployError):
            self._silent = True
            self.dashboard.tell(error_line(message.told, look))
        else:
            new = [log_lines(*told, look, self.size.width) for told in message.told[-KEPT:]]
            gone = max(len(self._laid) + len(new) - KEPT, 0)
            gone_rows = sum(len(rows) for rows in islice(self._laid, gone))
            self._lines.extend(message.told)
            self._laid.extend(new)
            self._paint(gone_rows)
        self.show(self.dashboard.snapshot, look)

    def on_resize(self) -> None:
        """Lines are laid out for a width."""
        look, width = self.dashboard.look(), self.size.width
        self._laid = deque((log_lines(*told, look, width) for told in self._lines), maxlen=KEPT)
        self._paint()
        super().on_resize()

    def action_end(self) -> None:
        """To the newest line; from there on it goes on by itself."""
        self.query_one(Page).scroll_end(animate=False)

    def action_back(self) -> None:
        """To where one came from."""
        self.dashboard.pop_screen()

    def show(self, snapshot: Snapshot, look: Look) -> None:
        """Until there is a line, say why."""
        if not self._lines:
            text = look.words("logs.none" if self._silent else "logs.listening")
            self.query_one(Page).show([(Span("  " + text, "dim"),)])
        super().show(snapshot, look)

    def _paint(self, gone: int = 0) -> None:
        """Go on at the end; elsewhere stay where one reads, though `gone` rows went on top."""
        page = self.query_one(Page)
        top, follows = page.scroll_offset.y, page.scroll_offset.y >= page.max_scroll_y
        page.show(list(chain.from_iterable(self._laid)))
        if follows:
            page.call_after_refresh(page.scroll_end, animate=False)
        elif gone:
            page.scroll_to(y=max(top - gone, 0), animate=False)

    def _follow(self) -> None:
        devices = (self._device,) if self._device else ()
        wanted = LogQuery(devices=devices, lines=FIRST)
        try:
            for told in follow(self.dashboard.home, (self._site,), wanted, self._stop):
                self.post_message(LogsHeard(told))
        except YolodeployError as error:
            self.post_message(LogsHeard(error))
