"""The right to change one site, for as long as one engine moves it. See DESIGN, decision 3."""

from __future__ import annotations

import time
from contextlib import suppress

from yolodeploy.core.errors import Refused, YolodeployError
from yolodeploy.core.sentences import sentence
from yolodeploy.core.site import Fence, SiteState
from yolodeploy.rollouts.rollout import Operator
from yolodeploy.sites.interface import Leased

LEASE_S = 60.0
RENEW_S = LEASE_S / 4  # a claim is a write, and who is stopped in the middle of it blocks the site


class SiteLease:
    """The lease of one site and the fence that came with it.

    The first claim takes over from a dead engine of the same rollout, or from anybody where a
    person said so. Later ones never do: whoever has the site by then took it from us.
    """

    def __init__(self, site: Leased, operator: Operator) -> None:
        self._site = site
        self._holder = operator.holder
        self._lineage = f"/{operator.lineage}/"
        self._take_over = operator.take_over
        self._fence: Fence | None = None
        self._claimed_at = float("-inf")

    @property
    def is_held(self) -> bool:
        """Whether it was had: the site has answered this process."""
        return self._fence is not None

    def claim(self) -> Fence:
        """The lease, taken or extended.

        Raises:
            Refused: `site.leased`; `site.fenced`, somebody had the site since the first claim.
        """
        if self._fence is None:
            self._fence = self._first_claim()
        else:
            self._extend(self._fence)
        self._claimed_at = time.monotonic()
        return self._fence

    def renew(self) -> None:
        """Extend it where that is due.

        Raises:
            Refused: As `claim`.
        """
        if time.monotonic() - self._claimed_at > RENEW_S:
            self.claim()

    def keep(self) -> None:
        """Extend it where there is one and that is due.

        Raises:
            Refused: As `claim`.
        """
        if self._fence is not None:
            self.renew()

    def check(self, state: SiteState) -> None:
        """Nobody else has the site in `state`.

        Raises:
            Refused: `site.fenced`.
        """
        if self._fence and state.lease and state.lease.fence != self._fence:
            raise self.lost(state.lease.fence.holder)

    def lost(self, holder: str = "") -> Refused:
        """The error for a site that somebody else has taken."""
        return Refused(
            "site.fenced", site=self._site.name, holder=holder or sentence("plan.other_operator")
        )

    def give_back(self) -> None:
        """Let others have the site; where that fails the lease runs out by itself."""
        if self._fence is not None:
            with suppress(YolodeployError):
                self._site.release_lease(self._fence)

    def tidy(self) -> None:
        """Give back the lease that an engine of this rollout held when it was killed."""
        with suppress(YolodeployError):
            lease = self._site.observe().lease
            if lease is not None and self._lineage in lease.fence.holder:
                self._site.release_lease(lease.fence)

    def _first_claim(self) -> Fence:
        try:
            return self._site.claim(self._holder, LEASE_S, take_over=self._take_over)
        except Refused as error:
            if self._lineage not in error.fields.get("holder", ""):
                raise
            return self._site.claim(self._holder, LEASE_S, take_over=True)

    def _extend(self, known: Fence) -> None:
        try:
            fence = self._site.claim(self._holder, LEASE_S)
        except Refused as error:
            if error.code != "site.leased":
                raise
            raise self.lost(error.fields.get("holder", "")) from error
        if fence != known:  # they came and went while this process slept
            self._site.release_lease(fence)
            raise self.lost()
