"""What measuring costs a request.

    python benchmarks/measuring.py [--quick] [--json]

Measuring is all that a request would be spared without it: the marks of the clock, the durations
made of them, and `Measurements.detected`. It is timed alone, once in a row and once each time
after 4 MB of other memory were touched, as a decoder and an engine do between two requests; the
second figure is the one that counts.

It is held against the CPU time of a whole request: the sample model's, measured in this run on the
real server at four clients; and one with a network of 50 ms, for which nothing but these 50 ms is
counted, so that the share can only be smaller. What a scrape costs, and what a request pays when
frames are sampled, stand beside it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.reporting import report
from benchmarks.serving_parts.servers import Sending, Server, free_port
from yolodeploy.core.detections import Box
from yolodeploy.core.serving import DetectResponse
from yolodeploy.core.site_settings import Samples
from yolodeploy.core.sketch import STAGES
from yolodeploy.serve.measure import HTTP, Measurements, source_of
from yolodeploy.serve.onlookers import Onlookers
from yolodeploy.serve.pipeline import _durations_us
from yolodeploy.serve.postprocess import Wanted
from yolodeploy.serve.shown import shown

TARGETS = {
    "share_of_sample_request": {"op": "<=", "value": 0.005},
    "share_of_50_ms_request": {"op": "<=", "value": 0.005},
}
EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "brake_disc"
CLIENTS = 4
NETWORK_US = 50_000
# what lies between two marks, in µs: a request at 1080p
TAKEN_US = (40, 5200, 1400, 50_000, 300)
CAMERAS = 8  # whose sketches a scrape reads too


def measured(measurements: Measurements, number: int) -> None:
    """What a request does for the sake of measuring."""
    marks = [time.perf_counter_ns()]
    for _ in STAGES:
        marks.append(time.perf_counter_ns())
    # the times of a real request: those above would all fall into the first bucket
    spread = 1 + (number % 97) / 50
    at = marks[0]
    for place, taken in enumerate(TAKEN_US, 1):
        at += int(1000 * taken * spread)
        marks[place] = at
    measurements.detected(_durations_us(marks))


def unmeasured(number: int) -> None:
    """The same without what is timed: the loop's and the made-up times' own cost."""
    marks = [0]
    for _ in STAGES:
        marks.append(0)
    spread = 1 + (number % 97) / 50
    at = marks[0]
    for place, taken in enumerate(TAKEN_US, 1):
        at += int(1000 * taken * spread)
        marks[place] = at


def in_a_row_us(act: Callable[[int], None], times: int) -> float:
    """CPU time of one, of many in a row."""
    began = time.thread_time()
    for number in range(times):
        act(number)
    return 1e6 * (time.thread_time() - began) / times


def after_others_us(act: Callable[[int], None], times: int) -> float:
    """The median of one, each after other memory was touched."""
    other = np.zeros(4 << 20, np.uint8)
    taken = []
    for number in range(times):
        other += 1
        began = time.perf_counter_ns()
        act(number)
        taken.append(time.perf_counter_ns() - began)
    return statistics.median(taken) / 1000


def costs_us(rounds: int) -> dict[str, float]:
    """Measuring, less the loop around it; rounds interleaved, medians."""
    measurements = Measurements(1)
    hot, cold = [], []
    for _ in range(rounds):
        alone = in_a_row_us(unmeasured, 5000)
        hot.append(in_a_row_us(lambda number: measured(measurements, number), 5000) - alone)
        alone = after_others_us(unmeasured, 300)
        cold.append(after_others_us(lambda number: measured(measurements, number), 300) - alone)
    return {
        "measuring_in_a_row_us": statistics.median(hot),
        "measuring_us": statistics.median(cold),
    }


def onlooking_us(folder: Path, rounds: int) -> float:
    """What a request of twenty boxes pays on the event loop while frames are sampled."""
    onlookers = Onlookers(str(folder))
    onlookers.follow(None, Samples(margin=0.0, share=0.0))
    boxes = tuple(Box(0, 0.9, 1, 1, 9, 9) for _ in range(20))
    answer = DetectResponse(boxes=boxes, classes=("a",), width=64, height=48, stages_ms={})
    wanted = Wanted(0.25, 0.7, 300)

    def act(_: int) -> None:
        onlookers.answered(shown(b"", wanted, HTTP, "id"), answer)

    taken = statistics.median(after_others_us(act, 300) for _ in range(rounds))
    onlookers.follow(None, None)
    return taken


def scrape_ms(rounds: int) -> float:
    """CPU time of the text for requests and eight cameras."""
    from yolodeploy.serve.families import _measured
    from yolodeploy.serve.metrics import metrics_text

    measurements = Measurements(1)
    for number in range(2000):
        measured(measurements, number)
        stages_us = {"capture": 5000.0 + number, "publish": 50.0, "total": 9000.0}
        measurements.detected(stages_us, source_of(f"camera-{number % CAMERAS}"))
    taken = []
    for _ in range(rounds):
        began = time.thread_time()
        metrics_text([lambda: _measured(measurements)])
        taken.append(1000 * (time.thread_time() - began))
    return statistics.median(taken)


def request_cpu_us(folder: Path, rounds: int, seconds: float) -> float:
    """CPU time of a whole request to the sample model, at four clients."""
    port = free_port()
    model = EXAMPLE / "models" / "brake-disc-v1.onnx"
    picture = next((EXAMPLE / "frames").glob("*.jpg"))
    command = [sys.executable, "-m", "yolodeploy.serve", str(model), "--port", str(port)]
    server = Server(
        "ours", command, Sending("/detect", "image/jpeg", picture), port, folder / "server.log"
    )
    try:
        server.wait()
        loads = [server.load(CLIENTS, seconds, 0.5) for _ in range(rounds)]
    finally:
        server.end()
    return 1000 * statistics.median(load.cpu_ms for load in loads)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rounds, seconds = (5, 2.0) if arguments.quick else (15, 8.0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = costs_us(rounds)
        figures["sample_request_cpu_us"] = request_cpu_us(folder, rounds // 2 + 1, seconds)
        cost = figures["measuring_us"]
        figures["share_of_sample_request"] = cost / figures["sample_request_cpu_us"]
        figures["share_of_50_ms_request"] = cost / NETWORK_US
        figures["sampling_us"] = onlooking_us(folder, rounds)
        figures["scrape_cpu_ms"] = scrape_ms(rounds)
    report("measuring", figures, TARGETS, as_json=arguments.json)


if __name__ == "__main__":
    main()
