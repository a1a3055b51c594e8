"""Going on with a site on trial that does not answer for a moment.

Its guard's time runs, and nobody may be there to say `resume`: an API server that restarts, a link
that flaps or a certificate that is being replaced is waited for. A site that was silent from the
beginning is not: others wait for their turn behind it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from yolodeploy.core.errors import Unreachable
from yolodeploy.core.sentences import Sentence
from yolodeploy.core.steps import Step
from yolodeploy.rollouts.patience import PATIENCE_S
from yolodeploy.rollouts.ports import Journal, Request
from yolodeploy.rollouts.site_lease import SiteLease

AGAIN_S = 1.0
HEARD_AFTER_S = 30.0
"""A step that failed later than this had answers meanwhile: a request takes 10 s at most."""

ENDURED = frozenset(Step) - {Step.PREFETCH, Step.CHECK}
ANSWERED = frozenset({"rollout.revert_slow"})
"""What is said of a site that does answer: it has been waited for already."""


def endured(
    step: Step, act: Callable[[], Sentence], lease: SiteLease, journal: Journal
) -> Sentence:
    """Do a step, again and again while the site does not answer, for a minute.

    Raises:
        Unreachable: It still does not, it never did, or a person asks for something else.
    """
    silent_since: float | None = None
    while True:
        began = time.monotonic()
        try:
            return act()
        except Unreachable as error:
            now = time.monotonic()
            if silent_since is None or now - began > HEARD_AFTER_S:
                silent_since = now
            over = now - silent_since > PATIENCE_S
            if over or step not in ENDURED or not lease.is_held or error.code in ANSWERED:
                raise
            if journal.request() is not Request.NONE and step is not Step.REVERT:
                raise
        time.sleep(AGAIN_S)
