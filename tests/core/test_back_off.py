"""If these fail, what was away is tried too seldom, or by a whole plant in the same moment."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.back_off import LONGEST_ASKED_S, LONGEST_S, SHORTEST_S, delay_s


@given(
    failures=st.integers(1, 10_000),
    chance=st.floats(0, 1, exclude_max=True),
    asked_s=st.floats(0, 1e12),
)
def test_a_place_is_tried_again_soon_and_for_ever(
    failures: int, chance: float, asked_s: float
) -> None:
    assert 0.75 * SHORTEST_S <= delay_s(failures, chance) <= LONGEST_S
    assert delay_s(1, chance) <= SHORTEST_S
    assert delay_s(20, chance) >= 0.75 * LONGEST_S
    asked = delay_s(failures, chance, asked_s)
    assert min(asked_s, LONGEST_ASKED_S) <= asked <= LONGEST_ASKED_S
