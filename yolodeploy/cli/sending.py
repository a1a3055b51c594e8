"""Showing how an image gets to devices, on stderr."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from yolodeploy.cli.output import report, say, size
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
                say(f"{plan.device}: {_plan(plan)}")
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
            say(f"{one.device}: {size(one.moved_bytes)} moved")

    def end(self) -> None:
        """Leave the line that changes."""
        self._line.end()


def _plan(plan: Delivered) -> str:
    if plan.state is State.PRESENT:
        return "has it"
    kinds = ", ".join(part.kind for part in plan.parts if part.fate is Fate.SEND)
    staged = f", {size(plan.staged_bytes)} of it staged already" if plan.staged_bytes else ""
    return (
        f"{size(plan.to_send_bytes)} to send ({kinds or 'its name'}), "
        f"{size(plan.present_bytes)} there{staged}"
    )
