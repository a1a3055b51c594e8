"""What a play says, as events of its operation: one transaction for what came at once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from yolodeploy.inventory.operations import Said
from yolodeploy.ops.how_far import TELL_S
from yolodeploy.ops.play_progress import HOST, STEP
from yolodeploy.provision.play import BAD, Outcome, Step, Watcher

if TYPE_CHECKING:
    from yolodeploy.ops.operations import Teller


class Journal(Watcher):
    """Tells an operation's journal of every step, and gives signs of life."""

    def __init__(self, teller: Teller, site: str) -> None:
        self._teller = teller
        self._site = site
        self._alive_at = time.monotonic()

    def heard(self, steps: Sequence[Step]) -> None:
        """At most every 0.2 s."""
        if steps:
            self._teller.say_all([said for step in steps for said in self._said(step)])
        if time.monotonic() - self._alive_at > TELL_S:
            self._alive_at = time.monotonic()
            self._teller.alive()

    def ended(self, outcome: Outcome) -> None:
        """How it ended on each host."""
        now = time.time()
        said = []
        for end in outcome.hosts:
            failed = end.failed
            fields = {
                "host": end.host,
                "state": failed.state.value if failed else "ok",
                "changed": end.changed,
                "role": failed.role if failed else "",
                "task": failed.task if failed else "",
                "code": error_of(failed)[0] if failed else "",
                "reason": failed.said if failed else "",
            }
            said.append(Said(now, "info", HOST, fields))
        counted = {
            "site": self._site, "done": len(outcome.done), "all": len(outcome.hosts),
            "changed": sum(end.changed for end in outcome.hosts),
        }  # fmt: skip
        if not outcome.cancelled:
            said.append(Said(now, "info", "play.done", counted))
        self._teller.say_all(said)

    def _said(self, step: Step) -> Iterator[Said]:
        now = time.time()
        fields = {
            "host": step.host, "role": step.role, "task": step.task, "state": step.state.value,
            "seconds": round(step.seconds, 3),
        }  # fmt: skip
        if step.report is not None:
            fields["report"] = step.report  # type: ignore[assignment]
        yield Said(now, "step", STEP, fields)
        if step.state not in BAD:
            return
        for line in step.journal:
            yield Said(now, "info", "play.journal", {"device": step.host, "line": line})
        code, told = error_of(step)
        yield Said(now, "error", code, {**told, "site": self._site})


def error_of(step: Step) -> tuple[str, dict[str, str]]:
    """A step that failed as the code of an error and its fields.

    Roles say `what is wrong -> what mends it`.
    """
    if step.code:
        return step.code, dict(step.fields)
    reason, arrow, remedy = step.said.rpartition(" -> ")
    where = f"{step.role}: {step.task}" if step.role else step.task or "ansible-playbook"
    told = {"device": step.host, "task": where}
    if not arrow:
        return "play.task_failed", {**told, "reason": step.said or "-"}
    return "play.task_refused", {**told, "reason": reason, "remedy": remedy}
