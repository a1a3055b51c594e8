"""The cameras of one site: how each is, one more, a look at one from here."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Thread
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from yolodeploy.core.errors import YolodeployError
from yolodeploy.ops.actions import Subject
from yolodeploy.ops.cameras import Listed, listed
from yolodeploy.tui.keys import bindings_of
from yolodeploy.tui.messages import CamerasSeen
from yolodeploy.tui.screens.listed import Listed as ListedScreen
from yolodeploy.tui.screens.whole import Whole
from yolodeploy.tui.state.snapshot import Snapshot
from yolodeploy.tui.views.cameras import CAMERA_COLUMNS, camera_lines
from yolodeploy.tui.views.spans import Line, Look, Span
from yolodeploy.tui.widgets.lines import Lines
from yolodeploy.tui.widgets.table import Table

_MOST = 40  # lines of one text

EVERY_S = 5.0
"""How often the site is asked while its cameras are looked at."""


class CamerasScreen(ListedScreen):
    """What the site's servers tell of its cameras, asked again and again."""

    where = "cameras"
    tab = "sites"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("cameras")

    def __init__(self, site: str) -> None:
        super().__init__()
        self._site = site
        self._cameras: tuple[Listed, ...] = ()
        self._seen = self._asking = False

    def body(self) -> ComposeResult:
        """The table, and the camera under the cursor in full."""
        yield from super().body()
        yield Lines(id="said")

    def table(self) -> Table[Listed]:
        """As the settings have them."""
        return Table(CAMERA_COLUMNS, lambda camera: camera.camera.name)

    def on_mount(self) -> None:
        """Ask the site, and go on asking."""
        super().on_mount()
        self.ask()
        self.set_interval(EVERY_S, self.ask)

    def ask(self) -> None:
        """Ask the site, unless that is being done; a site that is silent delays nobody."""
        if not self._asking:
            self._asking = True
            Thread(target=self._ask, name="cameras", daemon=True).start()

    def rows_of(self, snapshot: Snapshot) -> tuple[Listed, ...]:
        """What was told last."""
        return self._cameras

    def title_line(self, snapshot: Snapshot, look: Look) -> Line:
        """How many there are."""
        text = look.words("count.cameras", n=len(self._cameras)) if self._seen else "…"
        return (
            Span("  "), Span(self._site, "strong"), Span(f"  {text}", "dim"), *self.filter_note()
        )  # fmt: skip

    def show(self, snapshot: Snapshot, look: Look) -> None:
        """The table, and one camera in full."""
        super().show(snapshot, look)
        if not self._cameras:
            key = "empty.cameras" if self._seen else "reading"
            self.query_one("#empty", Lines).show([(Span("  " + look.words(key), "dim"),)])
        self._show_one(look)

    def subjects(self) -> Sequence[tuple[Subject, str]]:
        """The site."""
        return [(Subject.SITE, self._site), (Subject.FLEET, "")]

    def on_cameras_seen(self, message: CamerasSeen) -> None:
        """What the site told, or why it does not; where it told nothing, what was before stands."""
        self._asking, self.problem = False, message.error
        if message.error is None or message.cameras:
            self._seen, self._cameras = True, tuple(message.cameras)
        self.show(self.dashboard.snapshot, self.dashboard.look())

    def on_table_moved(self) -> None:
        """Another camera."""
        self._show_one(self.dashboard.look())

    def on_table_opened(self) -> None:
        """All that is told of the camera."""
        self.action_open()

    def action_open(self) -> None:
        """All that is told of the camera under the cursor."""
        camera = self.query_one(Table).current
        if isinstance(camera, Listed):
            look = self.dashboard.look()
            title = look.words("whole.title", name=self._site)
            self.dashboard.push_screen(
                Whole(title, lambda width: camera_lines(camera, look, width, _MOST))
            )

    def action_add(self) -> None:
        """One more."""
        self.begin("site.add_camera", self._site)

    def action_test(self) -> None:
        """Look at the one under the cursor from this machine."""
        camera = self.query_one(Table).current
        if isinstance(camera, Listed):
            self.begin("camera.test", camera.camera.url)

    def action_back(self) -> None:
        """To where one came from."""
        self.dashboard.pop_screen()

    def _show_one(self, look: Look) -> None:
        camera = self.query_one(Table).current
        lines = camera_lines(camera, look, self.size.width) if isinstance(camera, Listed) else []
        self.query_one("#said", Lines).show(lines)

    def _ask(self) -> None:
        try:
            found, errors = listed(self.dashboard.home, [self._site])
        except YolodeployError as error:
            found, errors = [], [error]
        self.post_message(CamerasSeen(found, errors[0] if errors else None))
