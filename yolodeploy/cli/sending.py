"""Showing how an image gets to devices, on stderr."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from yolodeploy.cli.output import report, size
from yolodeploy.cli.table_words import words_here
from yolodeploy.cli.telling import tell
from yolodeploy.cli.transfers import ChangingLine
from yolodeploy.images.sending.delivery import State
from yolodeploy.oci.registry.transfers import Fate
from yolodeploy.ops.send_watching import Watcher

if TYPE_CHECKING:
    from yolodeploy.core.errors import YolodeployError
    from yolodeploy.images.sending.delivery import Delivered


class Narrator(Watcher):
    """Tells a person of one image on its way to several devices."""

    def __init__(self, *, dry_run: bool) -> None:
        self._dry_run = dry_run
        self._line = ChangingLine()

    def planned(self, plans: Sequence[Delivered]) -> None:
        """A line for each device."""
        self._line = ChangingLine(sum(plan.to_send_bytes for plan in plans))
        for plan in plans:
            if plan.error is None:
                _tell_plan(plan)
            elif self._dry_run:
                report(plan.error)

    def moved(self, count: int) -> None:
        """How far it is, all devices together."""
        self._line.moved(count)

    def again(self, error: YolodeployError) -> None:
        """Why, on a line of its own."""
        self._line.again(error)

    def ended(self, one: Delivered) -> None:
        """A line, two for a device that failed."""
        self._line.end()
        if one.error is not None:
            report(one.error)
        elif one.state is State.SENT:
            tell("done.device_moved_bytes", device=one.device, size=size(one.moved_bytes))

    def end(self) -> None:
        """Leave the line that changes."""
        self._line.end()


def _tell_plan(plan: Delivered) -> None:
    if plan.state is State.PRESENT:
        tell("done.device_has", device=plan.device)
        return
    kinds = ", ".join(part.kind for part in plan.parts if part.fate is Fate.SEND)
    tell(
        "done.device_sends_staged" if plan.staged_bytes else "done.device_sends",
        device=plan.device,
        size=size(plan.to_send_bytes),
        kinds=kinds or words_here().word("its name"),
        there=size(plan.present_bytes),
        staged=size(plan.staged_bytes),
    )
