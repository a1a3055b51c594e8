"""A site that cannot be moved now: its window opens later, it does not answer, it is held."""

from __future__ import annotations

import time
from collections.abc import Sequence

from yolodeploy.core.catching_up import next_try_s
from yolodeploy.core.errors import UsageError
from yolodeploy.core.sentences import Sentence, sentence, sentence_of
from yolodeploy.core.steps import Entry, Outcome, Step, entry, may_expire, waiting_since
from yolodeploy.core.waves import drawn
from yolodeploy.rollouts.patience import Patience
from yolodeploy.rollouts.rollout import Rollout
from yolodeploy.rollouts.site_lease import SiteLease


class SiteWaiting:
    """Journals that one site must wait, and until when; gives it up when it did for too long."""

    def __init__(self, site: str, rollout: Rollout, lease: SiteLease) -> None:
        self._site = site
        self._plan = rollout.plan
        self._journal = rollout.journal
        self._patience = Patience(rollout.journal, meanwhile=lease.keep)

    def in_window(self, step: Step) -> bool:
        """Whether the site may be changed from `step` on; waits for that where it is soon.

        Who has to wait longer goes back to the check: what the old release answered hours ago is
        no measure for the new one.
        """
        if not self._plan.windows:
            return True
        tried_s = self._plan.trying_s if step is not Step.SWITCH else 0.0
        opens = self._journal.opens_at(self._site, tried_s + self._plan.need_s(self._site))
        if opens is not None and self._patience.until(opens):
            return True
        if opens is None:
            # made shorter since it was planned: as one that is held, it has had its turn
            self.later(Step.CHECK, _no_window(self._site, self._plan.need_s(self._site)))
            return False
        last = self._journal.entries(self._site)[-1]
        if last.outcome is not Outcome.SCHEDULED or last.again_at != opens:
            self._append(Entry(Step.CHECK, Outcome.SCHEDULED, again_at=opens))
        return False

    def later(self, step: Step, reason: Sentence) -> None:
        """A step must wait: it is tried again after as long as the site has been away."""
        now, entries = time.time(), self._journal.entries(self._site)
        since = waiting_since(entries) or now
        again_at = now + next_try_s(now - since, drawn(int(now), self._site))
        if may_expire(entries):
            again_at = min(again_at, since + self._plan.expires_s)
        self._append(entry(step, Outcome.WAITING, reason, again_at=again_at))

    def has_expired(self, entries: Sequence[Entry], upcoming: Step) -> bool:
        """Whether the site has waited for too long; then nothing more is asked of it."""
        since = waiting_since(entries)
        if since is None or not may_expire(entries):
            return False
        if time.time() - since < self._plan.expires_s:
            return False
        self._append(entry(upcoming, Outcome.EXPIRED, _length(self._plan.expires_s)))
        return True

    def _append(self, entry: Entry) -> None:
        self._journal.append(self._site, entry)


def _no_window(site: str, need_s: float) -> Sentence:
    return sentence_of(UsageError("window.none_fits", site=site, seconds=f"{need_s:g}"))


def _length(seconds: float) -> Sentence:
    if seconds >= 86400:
        return sentence("step.days", days=f"{seconds / 86400:g}")
    return sentence("step.seconds", seconds=f"{seconds:g}")
