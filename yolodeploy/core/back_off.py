"""How long to wait for a camera, or for a place where results go, that was away."""

from __future__ import annotations

SHORTEST_S = 0.5
LONGEST_S = 30.0
# what a server may ask for with Retry-After
LONGEST_ASKED_S = 300.0


def delay_s(failures: int, chance: float, asked_s: float = 0.0) -> float:
    """Seconds before the next attempt after `failures` ≥ 1 in a row; `chance` is from 0 to 1.

    It doubles from half a second to thirty. A quarter of it is left to chance, so that the sinks
    of a plant, or the cameras behind one switch, do not all come back in the same moment. What
    the place asked for (`asked_s`) is the least, up to five minutes.
    """
    # beyond 2^7 the bound holds anyway, and 2^5000 is no float
    grown_s = SHORTEST_S * 2.0 ** min(failures - 1, 7)
    waited_s = min(grown_s, LONGEST_S) * (0.75 + 0.25 * chance)
    return max(waited_s, min(asked_s, LONGEST_ASKED_S))
