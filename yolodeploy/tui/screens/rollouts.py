"""The list of rollouts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from textual.binding import BindingType

from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.ops.actions import Subject
from yolodeploy.tui.keys import bindings_of
from yolodeploy.tui.screens.framed import Framed
from yolodeploy.tui.screens.listed import Listed
from yolodeploy.tui.screens.releases import Releases
from yolodeploy.tui.state.rollouts import RolloutItem
from yolodeploy.tui.state.snapshot import Snapshot
from yolodeploy.tui.views.controller import controller_note
from yolodeploy.tui.views.rollouts import ROLLOUT_COLUMNS
from yolodeploy.tui.views.spans import Line, Look, Span
from yolodeploy.tui.widgets.table import Table


class RolloutActions(Framed):
    """The keys of a selected rollout."""

    def selected(self) -> RolloutItem | None:
        """The rollout that keys act on."""
        raise NotImplementedError

    def subjects(self) -> Sequence[tuple[Subject, str]]:
        """The rollout, every release, the fleet."""
        item = self.selected()
        return [
            *([(Subject.ROLLOUT, item.id)] if item else []),
            *((Subject.RELEASE, alias) for alias in self.dashboard.snapshot.releases),
            (Subject.FLEET, ""),
        ]

    def unfit(self) -> Collection[str]:
        """What ended cannot be paused, what stands nowhere needs no approval."""
        item = self.selected()
        unfit = {"pause", "abort", "approve", "undo"}
        if item is not None:
            unfit = {"pause", "abort"} if item.final else set()
            if item.state is not RolloutState.APPROVAL:
                unfit.add("approve")
            if not item.committed:
                unfit.add("undo")
        return {f"{self.where}.{name}" for name in unfit}

    def action_pause(self) -> None:
        """Pause it; go on with one that stands still."""
        item = self.selected()
        if item is not None:
            self.begin("rollout.resume" if stands_still(item) else "rollout.pause", item.id)

    def action_abort(self) -> None:
        """Abort it, confirmed."""
        item = self.selected()
        if item is not None:
            self.begin("rollout.abort", item.id)

    def action_approve(self) -> None:
        """Let it go on after a wave, confirmed."""
        item = self.selected()
        if item is not None:
            self.begin("rollout.approve", item.id)

    def action_undo(self) -> None:
        """Bring back what it replaced, confirmed."""
        item = self.selected()
        if item is not None:
            self.begin("rollout.undo", item.id)


class RolloutsScreen(RolloutActions, Listed):
    """Every rollout, newest first."""

    where = "rollouts"
    tab = "rollouts"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("rollouts")

    def table(self) -> Table[RolloutItem]:
        """Newest first."""
        return Table(ROLLOUT_COLUMNS, lambda item: item.id)

    def rows_of(self, snapshot: Snapshot) -> tuple[RolloutItem, ...]:
        """The rollouts."""
        return snapshot.rollouts

    def title_line(self, snapshot: Snapshot, look: Look) -> Line:
        """How many there are, how many are under way, and who goes on with them."""
        note = controller_note(snapshot.controller, look)
        if not snapshot.rollouts:
            return (Span("  "), *note) if note else ()
        text = look.words("count.all_rollouts", n=len(snapshot.rollouts))
        running = snapshot.running_rollouts
        more = [Span("  "), Span(look.words("count.rollouts", n=running), "accent")]
        return (
            Span("  "), Span(text, "strong"), *(more if running else ()), *self.filter_note(),
            Span("   "), *note,
        )  # fmt: skip

    def selected(self) -> RolloutItem | None:
        """The rollout under the cursor."""
        item = self.query_one(Table).current
        return item if isinstance(item, RolloutItem) else None

    def on_table_moved(self) -> None:
        """Other keys are of use."""
        self.show_frame()

    def action_start(self) -> None:
        """Choose a release, see what it would do, start it."""
        self.run_worker(self._start(), group="actions")

    async def _start(self) -> None:
        releases = self.dashboard.snapshot.releases
        chosen = await self.app.push_screen_wait(Releases(releases, self.dashboard.look()))
        if chosen is not None:
            self.begin("release.roll_out", chosen)

    def on_table_opened(self) -> None:
        """Open the rollout."""
        item = self.selected()
        if item is not None:
            self.dashboard.open_rollout(item.id)


def stands_still(item: RolloutItem) -> bool:
    """Whether it has to be resumed to go on."""
    still = (RolloutState.PAUSED, RolloutState.WAITING, RolloutState.APPROVAL)
    return item.state in still or item.silent_s is not None
