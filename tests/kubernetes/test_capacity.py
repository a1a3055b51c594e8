"""If these fail, an update waits for room that never comes, or a shared GPU runs out of memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.capacity import (
    MOST_AT_ONCE,
    Room,
    Switching,
    canaries,
    fits,
    outage_of,
    shares_beside,
    strategy_of,
)

ROOM = Room.__struct_fields__
ROOMS = st.builds(
    Room,
    cpu_millis=st.integers(-1000, 8000),
    memory_mb=st.integers(-1000, 8000),
    gpus=st.integers(-1, 4),
    pods=st.integers(-1, 4),
)


@given(ROOMS, st.lists(ROOMS, max_size=4), st.integers(0, 12))
def test_more_run_at_once_only_where_nodes_have_room(
    wanted: Room, free: list[Room], replicas: int
) -> None:
    way, at_once = strategy_of(fits(wanted, free), replicas, shared_gpu=False)
    needs = [name for name in ROOM if getattr(wanted, name) > 0]
    held = any(all(getattr(room, n) >= getattr(wanted, n) for n in needs) for room in free)
    assert (way == "rolling") == (held and bool(needs))
    assert 1 <= at_once <= max(replicas, 1), "more than there are would be started for nothing"
    if way == "rolling":
        assert at_once <= fits(wanted, free), "the last of them would wait for ever"


@given(ROOMS, ROOMS)
def test_what_fits_is_what_can_be_taken_away(room: Room, wanted: Room) -> None:
    count, left = room.fits(wanted), room
    for _ in range(min(count, 50)):
        left = left.less(wanted)
    needs = [name for name in ROOM if getattr(wanted, name) > 0]
    assert all(getattr(left, name) >= 0 for name in needs) or not count
    if count < 50 and needs:
        assert any(getattr(left, name) < getattr(wanted, name) for name in needs)


@given(st.integers(0, 4), st.integers(0, 9))
def test_a_shared_gpu_is_emptied_first(room_for: int, replicas: int) -> None:
    assert strategy_of(room_for, replicas, shared_gpu=True)[0] == "recreate"


def test_an_outage_is_told_where_nobody_answers_meanwhile() -> None:
    assert outage_of("rolling", 1, 9.0) == 0
    assert outage_of("surge-free", 2, 9.0) == 0
    assert outage_of("surge-free", 1, 9.0) == 9.0
    assert outage_of("recreate", 4, 9.0) == 9.0
    assert outage_of("recreate", 0, 9.0) == 0, "nothing runs that could be missed"


@given(st.integers(1, 100), st.integers(1, 200), st.integers(1, 50))
def test_canaries_have_about_the_share_that_is_wanted(
    percent: int, replicas: int, room_for: int
) -> None:
    shares = shares_beside(replicas, room_for)
    count = canaries(percent, shares)
    assert 1 <= count <= min(room_for, MOST_AT_ONCE)
    told = Switching(shares=shares).share_for(percent)
    assert told == 100 * count / (count + replicas), "the plan says another than there will be"
    assert all(abs(told - percent) <= abs(share - percent) for share in shares)
