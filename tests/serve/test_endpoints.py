"""What a client reads from each endpoint."""

from __future__ import annotations

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from yolodeploy.core.detections import Box
from yolodeploy.core.release import ModelFacts
from yolodeploy.core.serving import DetectResponse, ErrorResponse
from yolodeploy.core.sketch import STAGES, TOTAL

from .models import CLASSES
from .pictures import encoded, plain
from .running import Reply, Server

PICTURE = encoded(plain(128, 96))


def detected(reply: Reply) -> DetectResponse:
    assert reply.status == 200, reply.body
    return msgspec.json.decode(reply.body, type=DetectResponse)


def refused(reply: Reply, status: int, code: str) -> ErrorResponse:
    error = msgspec.json.decode(reply.body, type=ErrorResponse)
    assert (reply.status, error.code) == (status, code), reply.body
    assert error.text
    assert error.remedy
    assert "<" not in error.text + error.remedy, "a field of the message is missing"
    return error


def test_boxes_come_in_pixels_of_the_picture(server: Server) -> None:
    answer = detected(server.detect(PICTURE))
    # 128 × 96 in 64 × 64: half the size, 8 rows of border above
    assert answer.boxes == (
        Box(1, 0.9, 44.0, 28.0, 84.0, 68.0),
        Box(0, 0.6, 24.0, 40.0, 40.0, 56.0),
    )
    assert (answer.width, answer.height, answer.classes) == (128, 96, CLASSES)
    assert answer.release == "sha256:release"
    assert answer.model.startswith("sha256:")


def test_the_stages_make_up_the_total(server: Server) -> None:
    for _ in range(5):
        stages = detected(server.detect(PICTURE)).stages_ms
        assert set(stages) == {*STAGES, TOTAL}
        total = stages.pop(TOTAL)
        assert min(stages.values()) >= 0
        assert sum(stages.values()) == pytest.approx(total, rel=0.03)


@pytest.mark.parametrize(
    ("query", "scores"),
    [
        ("?conf=0.7", [0.9]),
        ("?conf=0.95", []),
        ("?iou=0.95", [0.9, 0.8, 0.6]),
        ("?max_det=1", [0.9]),
        ("?classes=0", [0.6]),
        ("?classes=0,2&conf=0.1", [0.6]),
        ("?classes=2", []),
    ],
)
def test_parameters_change_what_is_reported(
    server: Server, query: str, scores: list[float]
) -> None:
    answer = detected(server.detect(PICTURE, query))
    assert [box.score for box in answer.boxes] == scores


@pytest.mark.parametrize(
    "query",
    ["conf=2", "conf=-1", "conf=nan", "conf=", "iou=x", "max_det=0", "max_det=99999",
     "max_det=1.5", "classes=3", "classes=", "classes=0,,1", "classes=-1", "classes=٣"],
)  # fmt: skip
def test_parameters_out_of_bounds_are_refused(server: Server, query: str) -> None:
    from urllib.parse import quote

    refused(server.detect(PICTURE, f"?{quote(query, safe='=,')}"), 400, "serve.parameter_invalid")


@pytest.mark.parametrize("query", ["confidence=0.1", "conf=0.1&conf=0.2"])
def test_parameters_unknown_or_given_twice_are_refused(server: Server, query: str) -> None:
    refused(server.detect(PICTURE, f"?{query}"), 400, "serve.parameter_unknown")


def test_a_request_keeps_its_id(server: Server) -> None:
    reply = server.detect(PICTURE, x_request_id="line-3/0042")
    assert reply.headers["x-request-id"] == "line-3/0042" == detected(reply).request_id
    refusal = server.detect(b"", x_request_id="line-3/0043")
    assert refusal.headers["x-request-id"] == "line-3/0043"


@pytest.mark.parametrize("hostile", ["a b", "[31mred", "x" * 129, "<script>"])
def test_an_id_unfit_for_logs_is_replaced(server: Server, hostile: str) -> None:
    given = detected(server.detect(PICTURE, x_request_id=hostile)).request_id
    assert given != hostile
    assert given.isalnum()


def test_health_readiness_and_what_runs_here(server: Server) -> None:
    assert server.ask("/healthz").status == 200
    assert server.ask("/readyz").status == 200
    told = server.ask("/info").json
    facts = msgspec.convert(told["model"], ModelFacts)
    assert (facts.classes, facts.height, facts.width) == (CLASSES, 64, 64)
    assert told["release"] == "sha256:release"
    assert told["threads"] >= 1
    assert told["epoch"] == 1


def test_other_paths_and_methods_are_told_apart(server: Server) -> None:
    refused(server.ask("/nothing"), 404, "serve.no_such_path")
    refused(server.ask("/detect"), 405, "serve.wrong_method")


def test_requests_and_failures_are_counted(server: Server) -> None:
    before = server.report().epochs[-1]
    server.detect(PICTURE)
    server.detect(b"no picture")
    after = server.report().epochs[-1]
    assert after.requests - before.requests == 2
    assert after.failures == before.failures, "a bad picture is not the release's failure"
    assert after.stages[TOTAL].count - before.stages[TOTAL].count == 1


def test_the_report_names_the_series(server: Server) -> None:
    report = server.report()
    assert (report.site, report.device, report.instance, report.app, report.release) == (
        "plant", "line-1", "brake-disc-0", "brake-disc", "sha256:release",
    )  # fmt: skip


def test_prometheus_reads_the_metrics(server: Server) -> None:
    server.detect(PICTURE)
    text = server.ask("/metrics").body.decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    epoch = server.report().epochs[-1]
    for stage in (*STAGES, TOTAL):
        samples = [
            sample
            for sample in families["yolodeploy_stage_seconds"].samples
            if sample.labels["stage"] == stage
        ]
        buckets = [sample.value for sample in samples if sample.name.endswith("_bucket")]
        assert buckets == sorted(buckets)
        assert buckets[-1] == epoch.stages[stage].count
    assert families["yolodeploy_requests"].samples[0].value == epoch.requests
    assert families["yolodeploy_server_info"].samples[0].labels["release"] == "sha256:release"
