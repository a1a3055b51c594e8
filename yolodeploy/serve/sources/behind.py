"""A decoder that cannot follow its stream, and how it catches up.

What it does not read waits in the network's buffers, and the picture grows older by the minute.
Packets between two key pictures can be left out: the next key picture needs none of them.
"""

from __future__ import annotations

LATE_NS = 1_000_000_000
WINDOW_NS = 1_000_000_000
IDLE_SHARE = 0.05  # who waits for packets more than this follows; the network is late, not he
LONGEST_NS = 10_000_000_000  # some streams have no key pictures but their first


class Behind:
    """Judges from packet to packet. All figures in ns."""

    def __init__(self) -> None:
        self._began: int | None = None
        self._waited = 0
        self._skipping_since: int | None = None

    def skips(self, now_ns: int, late_ns: int, waited_ns: int, *, key: bool) -> bool:
        """Whether to leave a packet out that came `late_ns` after its picture was taken.

        `waited_ns` is how long it was waited for.
        """
        if self._began is None:
            self._began = now_ns
        self._waited += waited_ns
        since = self._skipping_since
        if since is not None and (key or now_ns - since > LONGEST_NS):
            since = self._skipping_since = None
        elif now_ns - self._began >= WINDOW_NS:
            idle = self._waited / (now_ns - self._began)
            self._began, self._waited = now_ns, 0
            if since is None and late_ns > LATE_NS and idle < IDLE_SHARE and not key:
                since = self._skipping_since = now_ns
        return since is not None
