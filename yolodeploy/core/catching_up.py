"""When a site that could not be moved is tried again.

Not `back_off`: that is for cameras, which are missed within a second.
"""

from __future__ import annotations

SHORTEST_S = 30.0
LONGEST_S = 1800.0


def next_try_s(away_s: float, chance: float) -> float:
    """Seconds until the next try of a site that has been away for `away_s`; `chance`: 0 to 1.

    As long again as it has been away, from half a minute to half an hour. A quarter is left to
    chance: sites behind one link that comes back do not all pull at the same moment.
    """
    return min(max(away_s, SHORTEST_S), LONGEST_S) * (0.75 + 0.25 * chance)
