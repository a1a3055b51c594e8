"""If these fail, a line of a log is told twice or not at all after a link was cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.logs import SECOND, Once, by_time, stamped
from yolodeploy.core.site import LogLine


@given(
    gaps=st.lists(st.integers(-1, 3), max_size=30),
    cuts=st.lists(st.integers(0, 30), max_size=5),
)
def test_every_line_goes_through_once_wherever_the_log_was_cut(
    gaps: list[int], cuts: list[int]
) -> None:
    """Several lines may have one time; of one second they need not be in order."""
    at, log = 9 * SECOND, []
    for gap in gaps:
        at = max(at + gap * SECOND // 2, at // SECOND * SECOND)
        log.append((at, b"%d" % len(log)))
    once, seen = Once(), 0
    for cut in [*sorted(min(cut, len(log)) for cut in cuts), len(log)]:
        first = once.last // SECOND * SECOND
        new = [i for i, line in enumerate(log[:cut]) if line[0] >= first and once.is_new(*line)]
        assert new == list(range(seen, max(cut, seen)))
        seen = max(cut, seen)
        once.again()


def test_times_of_lines() -> None:
    for line, at, rest in (
        (b"1970-01-01T00:00:01.5Z two words", 1_500_000_000, b"two words"),
        (b"1970-01-01T01:00:00.000000001+01:00 x", 1, b"x"),
        (b"1970-01-01T00:00:00Z", 0, b""),
        (b"no time", 0, b"no time"),
        (b"9999-99-99T00:00:00Z x", 0, b"9999-99-99T00:00:00Z x"),
        (b"\xff\x00", 0, b"\xff\x00"),
        (b"", 0, b""),
    ):
        assert stamped(line) == (at, rest)


def test_lines_of_several_servers_in_the_order_of_time() -> None:
    """A stack trace has no times, and must stay together."""
    lines = [
        ("a", LogLine("d", "i", "first", 1.0)), ("a", LogLine("d", "i", "trace")),
        ("a", LogLine("d", "i", "last", 5.0)), ("b", LogLine("d", "i", "other", 2.0)),
    ]  # fmt: skip
    assert [line.text for _, line in by_time(lines)] == ["first", "trace", "other", "last"]
