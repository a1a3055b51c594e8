"""If these fail, an update waits for room that never comes, or a shared GPU runs out of memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.capacity import Room, outage_of, strategy_of

ROOMS = st.builds(
    Room,
    cpu_millis=st.integers(-1000, 8000),
    memory_mb=st.integers(-1000, 8000),
    gpus=st.integers(-1, 4),
    pods=st.integers(-1, 4),
)


@given(ROOMS, st.lists(ROOMS, max_size=4))
def test_two_run_at_once_only_where_a_node_has_room(wanted: Room, free: list[Room]) -> None:
    rolling = strategy_of(wanted, free, shared_gpu=False) == "rolling"
    assert rolling == any(
        room.cpu_millis >= wanted.cpu_millis
        and room.memory_mb >= wanted.memory_mb
        and room.gpus >= wanted.gpus
        and room.pods >= wanted.pods
        for room in free
    )


@given(ROOMS, st.lists(ROOMS, max_size=4))
def test_a_shared_gpu_is_emptied_first(wanted: Room, free: list[Room]) -> None:
    way = strategy_of(wanted, free, shared_gpu=True)
    assert (way == "recreate") == bool(wanted.gpus)


def test_an_outage_is_told_where_nobody_answers_meanwhile() -> None:
    assert outage_of("rolling", 1, 9.0) == 0
    assert outage_of("surge-free", 2, 9.0) == 0
    assert outage_of("surge-free", 1, 9.0) == 9.0
    assert outage_of("recreate", 4, 9.0) == 9.0
    assert outage_of("recreate", 0, 9.0) == 0, "nothing runs that could be missed"
