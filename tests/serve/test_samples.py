"""Frames that are kept: the right ones, whole, within the bound, and not for everybody to see."""

from __future__ import annotations

import io
import itertools
import json
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.oci.small_disk import small_disk
from yolodeploy.core.detections import Box
from yolodeploy.core.errors import NotFound
from yolodeploy.core.samples import Sample, SampleList
from yolodeploy.core.serving import DetectResponse
from yolodeploy.core.site_settings import Samples, Shadow
from yolodeploy.serve.onlookers import Onlookers
from yolodeploy.serve.postprocess import Wanted
from yolodeploy.serve.samples.reasons import Pace, close_call
from yolodeploy.serve.samples.sampling import Sampling
from yolodeploy.serve.samples.store import MOST, Store
from yolodeploy.serve.shown import shown

from .models import constant_model, raw_head, written
from .pictures import encoded, noise, plain
from .running import Server, ask, until
from .test_endpoints import detected, refused
from .test_limits import TOKEN, token_file
from .test_shadow import settings_file, url_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .conftest import Start

PICTURE = encoded(plain(128, 96))
NEVER = Samples(margin=0.0, share=0.0, every_s=0.0)
WANTED = Wanted(0.25, 0.7, 300)


def listed(server: Server, query: str = "") -> SampleList:
    reply = server.ask(f"/samples{query}")
    assert reply.status == 200, reply.body
    assert reply.headers["cache-control"] == "no-store"
    return msgspec.json.decode(reply.body, type=SampleList)


def beside(server: Server, identity: str) -> Sample:
    return msgspec.json.decode(server.ask(f"/samples/{identity}.json").body, type=Sample)


def wait_for(server: Server, count: int) -> SampleList:
    until(lambda: listed(server).count >= count, server)
    found = listed(server)
    assert found.count == count
    return found


def answer(*scores: float) -> DetectResponse:
    boxes = tuple(Box(0, score, 1, 1, 5, 5) for score in scores)
    return DetectResponse(boxes=boxes, classes=("a",), width=128, height=96, stages_ms={})


def test_a_close_call_is_kept_with_what_was_answered(start: Start, tmp_path: Path) -> None:
    samples = Samples(margin=0.05, share=0.0, every_s=0.0)
    server = start(settings=settings_file(tmp_path, samples=samples)).wait_ready()
    server.detect(PICTURE)  # nothing near 0.25
    server.detect(b"no picture")
    told = detected(server.detect(PICTURE, "?conf=0.58", x_request_id="close-1"))
    (line,) = wait_for(server, 1).samples
    assert (line.reason, line.source, line.request_id) == ("margin", "http", "close-1")
    assert abs(line.at - time.time()) < 60
    kept = beside(server, line.id)
    assert kept.answer == told
    assert (kept.limits.conf, kept.code, kept.shadow) == (0.58, "", None)
    picture = server.ask(f"/samples/{line.id}")
    assert picture.body == PICTURE
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.headers["cache-control"] == "no-store"
    assert picture.headers["x-content-type-options"] == "nosniff"
    modes = {path.stat().st_mode & 0o777 for path in (server.state / "samples").iterdir()}
    assert modes == {0o600}
    kept_one = b'yolodeploy_samples_kept_total{reason="margin"} 1.0'
    until(lambda: kept_one in server.ask("/metrics").body, server)  # counted after it is there


def test_every_kind_of_picture_comes_back_as_it_was_sent(start: Start, tmp_path: Path) -> None:
    samples = msgspec.structs.replace(NEVER, share=1.0)
    server = start(settings=settings_file(tmp_path, samples=samples)).wait_ready()
    kinds = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
    for number, kind in enumerate(kinds, 1):
        sent = encoded(plain(), kind)
        assert server.detect(sent).status == 200
        line = wait_for(server, number).samples[0]
        picture = server.ask(f"/samples/{line.id}")
        assert picture.body == sent
        assert picture.headers["content-type"] == f"image/{kind.lower()}"


def test_a_share_is_kept_by_counting_and_no_more_than_one_in_a_while(
    start: Start, tmp_path: Path
) -> None:
    samples = msgspec.structs.replace(NEVER, share=0.5)
    server = start(settings=settings_file(tmp_path, samples=samples)).wait_ready()
    for number in range(6):
        server.detect(PICTURE, x_request_id=f"n{number}")
        wait_for(server, (number + 1) // 2)
    assert [line.request_id for line in listed(server).samples] == ["n5", "n3", "n1"]


def test_what_a_shadow_sees_otherwise_is_kept_with_its_boxes(start: Start, tmp_path: Path) -> None:
    other = written(constant_model(raw_head([(32, 32, 20, 20, 0.9, 1)])), tmp_path / "other.onnx")
    second = start(other).wait_ready()
    file = settings_file(tmp_path, samples=NEVER, shadow=Shadow(url=url_of(second)))
    first = start(settings=file).wait_ready()
    first.detect(PICTURE, "?conf=0.8")  # here both see the same
    first.detect(PICTURE, x_request_id="differs")
    (line,) = wait_for(first, 1).samples
    assert (line.reason, line.request_id) == ("shadow", "differs")
    kept = beside(first, line.id)
    assert kept.shadow is not None
    assert (kept.shadow.lost, kept.shadow.gained) == (1, 0)
    assert [box.score for box in kept.shadow.boxes] == [0.9]
    assert kept.answer is not None
    assert len(kept.answer.boxes) == 2


def test_a_picture_whose_answer_cannot_be_read_is_kept(start: Start, tmp_path: Path) -> None:
    head = raw_head([(32, 32, 20, 20, 0.9, 1)])
    head[0, 4, 3] = np.nan
    broken = written(constant_model(head), tmp_path / "nan.onnx")
    server = start(broken, settings=settings_file(tmp_path, samples=NEVER)).wait_ready()
    refused(server.detect(PICTURE, x_request_id="nan-1"), 500, "serve.not_finite")
    (line,) = wait_for(server, 1).samples
    assert (line.reason, line.code, line.request_id) == ("error", "serve.not_finite", "nan-1")
    assert beside(server, line.id).answer is None


def test_only_who_brings_a_token_sees_them(start: Start, tmp_path: Path) -> None:
    samples = msgspec.structs.replace(NEVER, share=1.0)
    server = start(
        settings=settings_file(tmp_path, samples=samples), token_file=str(token_file(tmp_path))
    ).wait_ready()
    bearer = {"authorization": f"Bearer {TOKEN}"}
    server.detect(PICTURE, authorization=bearer["authorization"])
    path = "/samples"
    until(lambda: server.ask(path, headers=bearer).json["count"] == 1, server)
    (line,) = server.ask(path, headers=bearer).json["samples"]
    for path in ("/samples", f"/samples/{line['id']}", f"/samples/{line['id']}.json"):
        refused(server.ask(path), 401, "serve.unauthorized")
        assert server.ask(path, headers=bearer).status == 200


HOSTILE = [
    "..%2f..%2fserve.json", "..%2finstance.json", "../instance.json", "%2e%2e", ".json", ".",
    "000000000001.jpg", "000000000001.json.json", "1", "-1", "%00", "000000000001%00.json",
    "٠٠٠٠٠٠٠٠٠٠٠١", "0" * 5000, "lock", "*",
]  # fmt: skip


def test_no_path_of_a_request_is_opened(start: Start, tmp_path: Path) -> None:
    samples = msgspec.structs.replace(NEVER, share=1.0)
    server = start(settings=settings_file(tmp_path, samples=samples)).wait_ready()
    server.detect(PICTURE)
    wait_for(server, 1)
    address = server.address()
    assert address is not None
    for name in HOSTILE:
        path = "/samples/" + "".join(
            part if part.isascii() else "".join(f"%{byte:02x}" for byte in part.encode())
            for part in name
        )
        reply = ask(address.port, path)
        assert reply.status == 404, (name, reply.body)
        assert reply.json["code"] in {"sample.unknown", "serve.no_such_path"}


def test_nothing_is_kept_unless_it_is_asked_for(server: Server) -> None:
    server.detect(PICTURE)
    for path in ("/samples", "/samples/000000000001", "/samples/000000000001.json"):
        refused(server.ask(path), 404, "sample.off")
    assert not (server.state / "samples").exists()


def test_a_mirrored_picture_is_not_kept_where_it_arrives(start: Start, tmp_path: Path) -> None:
    samples = msgspec.structs.replace(NEVER, share=1.0)
    server = start(settings=settings_file(tmp_path, samples=samples)).wait_ready()
    assert server.detect(PICTURE, x_yolodeploy_shadow="1").status == 200
    server.detect(PICTURE, x_request_id="own")
    assert [line.request_id for line in wait_for(server, 1).samples] == ["own"]


def test_a_killed_server_leaves_nothing_half(start: Start, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    samples = msgspec.structs.replace(NEVER, share=1.0, megabytes=2)
    file = settings_file(tmp_path, samples=samples)
    sent = noise("PNG")
    for _ in range(3):
        server = start(state_dir=state, settings=file).wait_ready()
        until(lambda server=server: server.detect(sent).status == 200)  # type: ignore[misc]
        for _ in range(15):
            server.detect(sent)
        server.stop(signal.SIGKILL)
    folder = Path(state) / "samples"
    # what a kill at the worst moments leaves behind, whichever it hit above
    (folder / "000000000001.json.new").write_bytes(b'{"id"')
    (folder / "900000000001.jpg").write_bytes(sent)
    (folder / "900000000002.json").write_bytes(b"{}")
    (folder / "900000000003.json").write_bytes(b"")
    (folder / "900000000003.jpg").write_bytes(sent)
    (folder / "notes.txt").write_bytes(b"somebody else's")
    server = start(state_dir=state, settings=file).wait_ready()
    # its count grows while it takes up what is there, and what is half there goes last
    until(lambda: len(list(folder.iterdir())) == 2 * listed(server).count + 1, server)
    found = listed(server)
    assert found.count > 0
    for line in found.samples:
        assert server.ask(f"/samples/{line.id}").body == sent
        assert beside(server, line.id).picture_bytes == len(sent)
    assert len(found.samples) == found.count
    assert (folder / "notes.txt").exists()


# the classes themselves -------------------------------------------------------------------------


@pytest.fixture
def sampling(tmp_path: Path) -> Iterator[Sampling]:
    made = Sampling(str(tmp_path))
    yield made
    made.follow(None)


def count_of(sampling: Sampling) -> int:
    return sampling.store.count if sampling.store else 0


def test_a_cameras_pixels_become_a_jpeg(sampling: Sampling) -> None:
    sampling.follow(msgspec.structs.replace(NEVER, share=1.0))
    pixels = np.full((48, 64, 3), (50, 100, 200), np.uint8)
    sampling.answered(shown(pixels, WANTED, "camera:gate", "f-1"), answer())
    pixels[:] = 0  # the camera's next frame
    until(lambda: count_of(sampling) == 1)
    store = sampling.store
    assert store is not None
    (identity,) = store.ids("", 10)
    content, suffix = store.picture(identity)
    picture = Image.open(io.BytesIO(content))
    assert (suffix, picture.format, picture.size) == ("jpg", "JPEG", (64, 48))
    assert np.abs(np.asarray(picture)[0, 0].astype(int) - (200, 100, 50)).max() <= 3
    assert json.loads(store.beside(identity))["source"] == "camera:gate"


def test_settings_can_be_switched_at_any_time(sampling: Sampling, tmp_path: Path) -> None:
    sent = noise("PNG")  # 230 kB
    sampling.follow(msgspec.structs.replace(NEVER, share=1.0, megabytes=4))
    for number in range(8):
        sampling.answered(shown(sent, WANTED, "http", str(number)), answer())
        until(lambda number=number: count_of(sampling) == number + 1)  # type: ignore[misc]
    sampling.follow(msgspec.structs.replace(NEVER, share=1.0, megabytes=1))
    store = sampling.store
    assert store is not None
    newest = [f"{number:012}" for number in (8, 7, 6, 5)]
    until(lambda: store.ids("", 9) == newest)  # what it takes up it counts one by one
    assert [json.loads(store.beside(one))["request_id"] for one in store.ids("", 9)] == [
        "7", "6", "5", "4",
    ]  # fmt: skip
    sampling.follow(None)
    sampling.answered(shown(sent, WANTED, "http", "x"), answer())
    sampling.failed(shown(sent, WANTED, "http", "x"), "serve.not_finite")
    assert sampling.store is None
    folder = tmp_path / "samples"
    until(lambda: len(list(folder.iterdir())) == 8)  # a file goes after it was forgotten
    for _ in range(20):  # threads of several versions never write at once
        sampling.follow(msgspec.structs.replace(NEVER, share=1.0, megabytes=3))
        sampling.answered(shown(sent, WANTED, "http", "y"), answer())
        sampling.follow(msgspec.structs.replace(NEVER, share=1.0, megabytes=2))
        sampling.answered(shown(sent, WANTED, "http", "z"), answer())
    sampling.answered(shown(sent, WANTED, "http", "last"), answer())

    def request_of_the_newest() -> str:
        store = sampling.store
        ids = store.ids("", 1) if store else []
        return json.loads((folder / f"{ids[0]}.json").read_bytes())["request_id"] if ids else ""

    until(lambda: request_of_the_newest() == "last")
    store = sampling.store
    assert store is not None
    assert store.count >= 5
    assert len(set(store.ids("", 100))) == store.count == len(list(folder.iterdir())) / 2


def test_a_full_disk_is_one_line_and_no_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sent = noise("PNG")
    with small_disk(tmp_path / "disk", "1m") as disk:
        sampling = Sampling(str(disk))
        sampling.follow(msgspec.structs.replace(NEVER, share=1.0, megabytes=4))

        def kept_after_one_more() -> int:
            sampling.answered(shown(sent, WANTED, "http", "x"), answer())
            return count_of(sampling)

        until(lambda: kept_after_one_more() < 0 or "samples are not kept" in caplog.text)
        kept = count_of(sampling)
        assert 1 <= kept <= 4
        for _ in range(20):
            kept_after_one_more()
        left = [path.name for path in (disk / "samples").iterdir()]
        assert len(left) in range(2 * kept, 2 * kept + 3)  # one may be being written
        assert caplog.text.count("samples are not kept") == 1
        # somebody makes room: it goes on by itself
        store = sampling.store
        assert store is not None
        (disk / "samples" / f"{store.ids('', 9)[-1]}.png").unlink()
        until(lambda: kept_after_one_more() > kept)
        sampling.follow(None)


def test_a_folder_that_opens_late_keeps_what_it_has(
    sampling: Sampling, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Ids that begin anew would overwrite the samples of an earlier life, one after another."""
    folder, away = tmp_path / "samples", tmp_path / "away"
    before = Store(folder, 1 << 20)
    for _ in range(3):
        assert before.add("jpg", PICTURE, b'{"request_id": "earlier"}')
    folder.rename(away)
    folder.write_text("no folder")
    sampling.follow(msgspec.structs.replace(NEVER, share=1.0))
    until(lambda: "samples are not kept" in caplog.text)
    folder.unlink()
    away.rename(folder)
    sampling.answered(shown(PICTURE, WANTED, "http", "now"), answer())
    until(lambda: count_of(sampling) == 4)
    store = sampling.store
    assert store is not None
    told = [json.loads(store.beside(one))["request_id"] for one in store.ids("", 9)]
    assert told == ["now", "earlier", "earlier", "earlier"]
    assert json.loads(store.beside("000000000004"))["id"] == "000000000004"
    assert store.bytes == 8 * 4096


def test_a_picture_larger_than_the_bound_is_not_kept(sampling: Sampling) -> None:
    sampling.follow(msgspec.structs.replace(NEVER, share=1.0, megabytes=1))
    large = encoded(plain(700, 700), "BMP")
    assert len(large) > 1 << 20
    sampling.answered(shown(large, WANTED, "http", "large"), answer())
    sampling.answered(shown(PICTURE, WANTED, "http", "small"), answer())
    until(lambda: count_of(sampling) == 1)


def test_each_reason_has_a_pace_of_its_own(sampling: Sampling) -> None:
    sampling.follow(Samples(margin=0.05, share=1.0, every_s=3600))
    for number in range(5):
        sampling.answered(shown(PICTURE, WANTED, "http", f"m{number}"), answer(0.27))
        sampling.answered(shown(PICTURE, WANTED, "http", f"s{number}"), answer(0.9))
        sampling.failed(shown(PICTURE, WANTED, "http", f"e{number}"), "serve.not_finite")
        sampling.failed(shown(PICTURE, WANTED, "http", "x"), "serve.picture_broken")
    until(lambda: count_of(sampling) == 3)
    store = sampling.store
    assert store is not None
    ids = {json.loads(store.beside(one))["request_id"] for one in store.ids("", 9)}
    assert ids == {"m0", "s0", "e0"}


def test_an_onlooker_copies_nothing_that_it_does_not_keep(tmp_path: Path) -> None:
    onlookers = Onlookers(str(tmp_path))
    onlookers.follow(None, NEVER)

    class Uncopied(np.ndarray[Any, Any]):
        def copy(self, order: Any = "C") -> Any:
            raise AssertionError("copied")

    pixels = np.zeros((8, 8, 3), np.uint8).view(Uncopied)
    onlookers.answered(shown(pixels, WANTED, "camera:a", "x"), answer(0.9))
    assert onlookers.store is not None
    onlookers.follow(None, None)
    assert not onlookers.looking


sizes = st.lists(st.integers(1, 20_000), min_size=1, max_size=30)


@given(sizes, st.integers(8192, 65_536))
def test_the_bound_holds_on_disk_after_every_step(
    tmp_path_factory: pytest.TempPathFactory, pictures: Sequence[int], bound: int
) -> None:
    folder = tmp_path_factory.mktemp("samples")
    store = Store(folder, bound)
    store.open()
    kept: list[tuple[str, int]] = []
    for size in pictures:
        identity = store.next_id()
        if store.add("jpg", b"x" * size, b"{}"):
            kept.append((identity, size))
        blocks = sum(path.stat().st_blocks * 512 for path in folder.iterdir())
        assert blocks <= store.bytes <= bound
    there = store.ids("", MOST)
    assert there == [identity for identity, _ in kept[::-1]][: len(there)]
    for identity, size in kept[::-1][: len(there)]:
        assert len(store.picture(identity)[0]) == size
    with pytest.raises(NotFound):
        store.picture("999999999999")
    # another life takes up the same
    again = Store(folder, bound)
    again.open()
    assert (again.ids("", MOST), again.bytes) == (there, store.bytes)
    assert again.next_id() > max([*there, "0"])


@given(st.lists(st.floats(0, 1), max_size=5), st.floats(0, 1), st.floats(0, 1))
def test_a_close_call_is_one_above_the_least_score(
    scores: list[float], conf: float, margin: float
) -> None:
    found = [score for score in scores if score > conf]
    assert close_call(answer(*found), conf, margin) == any(s <= conf + margin for s in found)


@given(st.lists(st.floats(0, 10), max_size=50), st.floats(0, 5))
def test_two_are_never_closer_than_the_pace(steps: list[float], every_s: float) -> None:
    now = 0.0
    pace = Pace(every_s, lambda: now)
    taken = []
    for step in steps:
        now += step
        if pace.allows("share"):
            taken.append(now)
    assert all(b - a >= every_s for a, b in itertools.pairwise(taken))
    assert bool(taken) == bool(steps)
