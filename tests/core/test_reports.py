"""What servers say they have measured: if these fail, a broken one spoils a fleet's figures."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.nodes import DeviceLoad, GpuLoad, NodeFigures, node_text, with_loads
from yolodeploy.core.reports import MOST_EPOCHS, MOST_GPUS, MOST_STAGES, fault_of, read_report
from yolodeploy.core.site import Epoch, StageReport
from yolodeploy.core.sketch import LARGEST_BUCKET, Sketch

NAMES = StageReport(site="plant", device="d1", instance="pod-1", app="app", release="sha256:r")


def epoch(**changes: Any) -> Epoch:
    values: dict[str, Any] = {
        "number": 1, "source": "http", "requests": 5, "failures": 1,
        "stages": {"total": Sketch(900.0, {150: 3, 160: 1})},
    }  # fmt: skip
    return Epoch(**(values | changes))


def answer(*epochs: Epoch, **names: str) -> bytes:
    return msgspec.msgpack.encode(msgspec.structs.replace(NAMES, epochs=epochs, **names))


def stage(sum_us: float = 900.0, **counts: int) -> dict[str, Any]:
    told = {int(bucket.removeprefix("b").replace("_", "-")): n for bucket, n in counts.items()}
    return {"stages": {"total": Sketch(sum_us, told)}}


@given(
    st.lists(st.floats(0, 1e12), max_size=30),
    st.integers(0, 3),
    st.sampled_from(["http", "shadow", "camera:line-3.left", "camera:Tor_1"]),
)
def test_what_a_server_really_says_is_believed(
    values: list[float], failures: int, source: str
) -> None:
    sketch = Sketch(0.0, {})
    for value in values:
        sketch.record(value)
    requests = len(values) + failures
    told = epoch(source=source, requests=requests, failures=failures, stages={"total": sketch})
    read = read_report(answer(told, epoch(number=2)), NAMES)
    assert (read.fault, read.epochs) == ("", (told, epoch(number=2)))


BROKEN = {
    "a negative request": {"requests": -1, "failures": -2},
    "more failed than asked": {"failures": 6},
    "more than a float can count": {"requests": 1 << 54},
    "a negative life": {"number": -1},
    "no number": stage(float("nan"), b150=1),
    "no end": stage(float("inf"), b150=1),
    "a negative sum": stage(-1.0, b150=1),
    "a negative count": stage(b150=-1, b151=3),
    "a bucket below all": stage(b_1=1),
    "a bucket above all": stage(**{f"b{LARGEST_BUCKET + 1}": 1}),
    "more times than requests": stage(b150=6),
    "a stage that draws on the terminal": {"stages": {"\x1b[2J": Sketch()}},
    "a label of somebody else": {"stages": {"Total": Sketch()}},
    "stages without end": {"stages": {f"s{number}": Sketch() for number in range(MOST_STAGES + 1)}},
    "a source that is none": {"source": "http\n"},
    "a source without end": {"source": "camera:" + "x" * 101},
}


@pytest.mark.parametrize("name", BROKEN)
def test_one_broken_rule_and_nothing_is_believed(name: str) -> None:
    read = read_report(answer(epoch(number=2), epoch(**BROKEN[name])), NAMES)
    assert read.epochs == ()
    assert read.fault.isprintable()
    assert 0 < len(read.fault) <= 200


@pytest.mark.parametrize(
    "garbage", [b"", b"\xc1\xff", b"<html>not found</html>", b"\x91" * 100_000, b"\x93\x01\x02\x03"]
)
def test_what_is_no_report_is_told_as_such(garbage: bytes) -> None:
    read = read_report(garbage, NAMES)
    assert (read.epochs, read.fault[:12]) == ((), "not a report")


def test_a_server_cannot_speak_for_another_or_accuse_itself() -> None:
    read = read_report(answer(epoch(), device="d2", instance="pod-2", fault="lies"), NAMES)
    assert read == msgspec.structs.replace(NAMES, epochs=(epoch(),))


def test_lives_without_end_are_refused() -> None:
    epochs = tuple(epoch(number=number) for number in range(MOST_EPOCHS + 1))
    assert fault_of(epochs) == f"{MOST_EPOCHS + 1} epochs"


ABSURD = [-1.0, 2.0, 1e300, float("nan"), float("inf"), None]


@given(st.lists(st.tuples(st.text(max_size=99), *[st.sampled_from(ABSURD)] * 3), max_size=99))
def test_what_a_server_sees_of_its_device_is_figures_or_nothing(
    gpus: list[tuple[str, float | None, float | None, float | None]],
) -> None:
    load = DeviceLoad(
        cpu_used_millis=-5, memory_used_mb=1 << 60, gpus=tuple(GpuLoad(*gpu) for gpu in gpus)
    )
    said = msgspec.msgpack.encode(msgspec.structs.replace(NAMES, load=load))
    read = read_report(said, NAMES)
    assert read.load is not None
    assert (read.load.cpu_used_millis, read.load.memory_used_mb) == (None, None)
    assert len(read.load.gpus) == min(len(gpus), MOST_GPUS)
    node = with_loads(NodeFigures(cpu_millis=8000), [read.load, read.load])
    assert node.gpu_busy is None or 0 <= node.gpu_busy <= 1
    for figure in (node.gpu_used_mb, node.gpu_total_mb):
        assert figure is None or figure >= 0
    assert "\n" not in node_text(node)


def test_servers_that_share_a_gpu_do_not_fill_it_twice() -> None:
    shared, own = GpuLoad("GPU-a", 24576.0, 6000.0, 0.5), GpuLoad("GPU-b", 24576.0, 0.0, 0.0)
    loads = [
        DeviceLoad(cpu_used_millis=900, memory_used_mb=2048, gpus=(shared,)),
        DeviceLoad(cpu_used_millis=1000, memory_used_mb=2000, gpus=(shared, own)),
        DeviceLoad(),
    ]
    node = with_loads(NodeFigures(cpu_millis=8000), loads)
    assert (node.cpu_used_millis, node.memory_used_mb) == (1000, 2048)
    assert (node.gpu_used_mb, node.gpu_total_mb, node.gpu_busy) == (6000.0, 49152.0, 0.25)
    # what is measured by others is theirs to tell
    measured = NodeFigures(cpu_used_millis=1, memory_used_mb=1, gpu_used_mb=1.0)
    assert with_loads(measured, loads) == measured
