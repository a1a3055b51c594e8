"""States as a sign and a word: colour only repeats what they say."""

from __future__ import annotations

from yolodeploy.core.gates import Verdict
from yolodeploy.core.site import Phase
from yolodeploy.core.steps import Outcome, SiteResult
from yolodeploy.core.waves import Standing
from yolodeploy.inventory.operations import OperationState
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.tui.state.fleet import Status
from yolodeploy.tui.state.rollouts import Mark
from yolodeploy.tui.views.spans import Span

STATUS = {
    Status.READY: ("●", "good"),
    Status.TRIAL: ("◐", "accent"),
    Status.SWITCHING: ("◐", "accent"),
    Status.REVERTING: ("↩", "warn"),
    Status.NOT_READY: ("✗", "bad"),
    Status.OFFLINE: ("○", "warn"),
    Status.HELD: ("■", "warn"),
    Status.NEW: ("·", "dim"),
}

ROLLOUT = {
    RolloutState.RUNNING: ("◐", "accent"),
    RolloutState.PAUSED: ("‖", "warn"),
    RolloutState.ABORTING: ("↩", "warn"),
    RolloutState.WAITING: ("○", "warn"),
    RolloutState.APPROVAL: ("!", "warn"),
    RolloutState.DONE: ("●", "good"),
    RolloutState.FAILED: ("✗", "bad"),
    RolloutState.INCONCLUSIVE: ("?", "warn"),
    RolloutState.ABORTED: ("–", "dim"),
    RolloutState.EXPIRED: ("○", "bad"),
}

RESULT = {
    SiteResult.COMMITTED: ("●", "good"),
    SiteResult.REVERTED: ("↩", "bad"),
    SiteResult.INCONCLUSIVE: ("?", "warn"),
    SiteResult.REFUSED: ("✗", "bad"),
    SiteResult.WAITING: ("○", "warn"),
    SiteResult.STOPPED: ("–", "dim"),
    SiteResult.EXPIRED: ("○", "bad"),
    SiteResult.SUPERSEDED: ("–", "dim"),
}

STANDING = {
    Standing.GO: ("·", "dim"),
    Standing.CURRENT: ("●", "good"),
    Standing.HELD: ("■", "warn"),
    Standing.BLOCKED: ("✗", "bad"),
    Standing.OFFLINE: ("○", "warn"),
}

VERDICT = {
    Verdict.PASSED: ("●", "good"),
    Verdict.INCONCLUSIVE: ("?", "warn"),
    Verdict.FAILED: ("✗", "bad"),
}

MARK = {
    Mark.AHEAD: ("·", "dim"),
    Mark.NOW: ("◐", "accent"),
    Mark.WAITING: ("○", "warn"),
    Mark.DONE: ("●", "good"),
    Mark.BAD: ("✗", "bad"),
}

OPERATION = {
    OperationState.CREATED: ("○", "warn"),
    OperationState.RUNNING: ("◐", "accent"),
    OperationState.DONE: ("●", "good"),
    OperationState.FAILED: ("✗", "bad"),
    OperationState.CANCELLED: ("–", "dim"),
    OperationState.LOST: ("?", "bad"),
}

# the states of tasks as plays say them, and `waiting` for the other hosts
TASK = {
    "running": ("◐", "accent"),
    "waiting": ("○", "dim"),
    "ok": ("●", "good"),
    "changed": ("+", "good"),
    "skipped": ("·", "dim"),
    "failed": ("✗", "bad"),
    "unreachable": ("✗", "bad"),
}

OUTCOME = {
    Outcome.INTENDED: MARK[Mark.NOW],
    Outcome.DONE: MARK[Mark.DONE],
    Outcome.FAILED: MARK[Mark.BAD],
    Outcome.INCONCLUSIVE: VERDICT[Verdict.INCONCLUSIVE],
    Outcome.WAITING: MARK[Mark.WAITING],
    Outcome.SCHEDULED: MARK[Mark.WAITING],
    Outcome.EXPIRED: ("○", "bad"),
    Outcome.SUPERSEDED: ("–", "dim"),
}

# the phases that servers tell of cameras, and `unknown` where none tells
CAMERA = {
    "running": ("●", "good"),
    "ended": ("–", "dim"),
    "opening": ("◐", "accent"),
    "waiting": ("○", "dim"),
    "failed": ("✗", "bad"),
    "unknown": ("?", "warn"),
}

PHASE = {
    Phase.TRIAL.value: ("◐", "accent"),
    Phase.SWITCHING.value: ("◐", "accent"),
    Phase.REVERTING.value: ("↩", "warn"),
    Phase.REVERTED.value: ("↩", "warn"),
}


def signed(sign: tuple[str, str], word: str) -> Span:
    """`● ready` in the sign's tone."""
    return Span(f"{sign[0]} {word}", sign[1])
