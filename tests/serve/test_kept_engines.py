"""If these fail, an engine that took minutes is lost, a torn one keeps a server from starting, or
code that nobody vouched for is run. The servers and keepers are real, TensorRT is a double.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.ports import free_port
from tests.serve.doubles.machine import lend
from tests.sites.parts import until
from yolodeploy.core.engines import (
    PIECE,
    EngineFile,
    EnginesTold,
    KeeperTold,
    KeptEngine,
    Offer,
    Taken,
)
from yolodeploy.core.release import Serving
from yolodeploy.serve.engine_cache import EngineCache

from .conftest import Start
from .running import CHECKOUT, Server, ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TENSORRT = Serving(engine="tensorrt")
RELEASE = "sha256:" + "a" * 64


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], int]:
    """A machine with a GPU; how many engines were built on it."""
    file = tmp_path / "builds"
    lend(monkeypatch, file)
    return lambda: len(file.read_text().splitlines()) if file.exists() else 0


def told_by(server: Server) -> EnginesTold:
    return msgspec.json.decode(server.ask("/engines").body, type=EnginesTold)


def left_behind(start: Start, cache: Path) -> tuple[dict[str, Any], Path]:
    """The engine of a server that was killed, and what it was started with."""
    settings: dict[str, Any] = {"serving": TENSORRT, "engine_cache": str(cache)}
    server = start(**settings).wait_ready()
    server.process.kill()
    server.process.wait()
    (engine,) = cache.glob("*/*.engine")
    return settings, engine


def test_a_server_builds_once_and_says_what_it_keeps(
    start: Start, builds: Callable[[], int], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    settings: dict[str, Any] = {"serving": TENSORRT, "engine_cache": str(cache)}
    server = start(release=RELEASE, **settings).wait_ready()
    told = told_by(server)
    (engine,) = told.kept
    assert told.built_for == engine.built_for
    assert engine.built_for.device.gpu == "NVIDIA L4"
    assert engine.built_for.software.tensorrt == "10.14.1"
    assert engine.releases == (RELEASE,)
    (file,) = engine.files
    assert file.name.endswith("_0_0_sm89.engine"), "as ONNX Runtime names it"

    # its bytes in pieces, and nothing else of the disk
    place = f"/engines/{engine.key}/{file.name}"
    pieces, there = [], 0
    while there < file.size_bytes:
        pieces.append(server.ask(f"{place}?offset={there}").body)
        there += len(pieces[-1])
    assert len(pieces) == 2
    assert len(pieces[0]) == PIECE
    assert f"sha256:{hashlib.sha256(b''.join(pieces)).hexdigest()}" == file.digest
    assert server.ask(f"{place}?offset={there}").body == b""
    assert server.ask(f"{place}?offset=x").status == 400
    for other in ("engine.json", "..", "%2e%2e%2fengine.json", "other.engine"):
        assert server.ask(f"/engines/{engine.key}/{other}").status == 404
    assert server.ask(f"/engines/{'0' * 24}/{file.name}").status == 404

    # the next one finds it, under another release too
    server.process.kill()
    server.process.wait()
    later = start(release="sha256:" + "b" * 64, port=0, **settings).wait_ready()
    assert builds() == 1
    (again,) = told_by(later).kept
    assert again.releases == ("sha256:" + "b" * 64, RELEASE)
    assert (again.files, again.build_s) == (engine.files, engine.build_s)
    assert again.used_at >= engine.used_at


def test_the_port_for_traffic_gives_no_engine_away(start: Start, builds: Callable[[], int]) -> None:
    """It may be behind an Ingress, and an engine holds the model."""
    port = free_port()
    server = start(serving=TENSORRT, port=port).wait_ready()
    (engine,) = told_by(server).kept
    path = f"/engines/{engine.key}/{engine.files[0].name}"
    assert server.ask(path).status == 200
    assert ask(port, path).status == 404
    assert ask(port, "/engines").status == 404


@pytest.mark.parametrize("harm", ["torn", "changed", "unfinished"])
def test_an_engine_that_is_not_whole_is_built_again(
    start: Start, builds: Callable[[], int], tmp_path: Path, harm: str
) -> None:
    """ONNX Runtime would not start with it: after a power cut, never again."""
    settings, engine = left_behind(start, tmp_path / "cache")
    content = engine.read_bytes()
    if harm == "torn":
        engine.write_bytes(content[:1000])
    elif harm == "changed":
        engine.write_bytes(content[:-10] + bytes(6) + content[-4:])
    else:  # killed while it built
        engine.write_bytes(content[:1000])
        (engine.parent / "engine.json").unlink()
    server = start(**settings).wait_ready()
    assert builds() == 2
    assert engine.read_bytes() == content
    (kept,) = told_by(server).kept
    assert kept.files[0].digest == f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_an_engine_that_tensorrt_does_not_take_is_built_again(
    start: Start, builds: Callable[[], int], tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    settings, path = left_behind(start, cache)
    path.write_bytes(b"for another GPU")
    store = EngineCache(cache)
    (engine,) = store.kept()
    content = path.read_bytes()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    file = EngineFile(path.name, len(content), digest)
    vouched = msgspec.structs.replace(engine, files=(file,))
    (path.parent / "engine.json").write_bytes(msgspec.json.encode(vouched))
    start(**settings).wait_ready()
    assert builds() == 2


# keepers -------------------------------------------------------------------------------------


class Keeping:
    """A keeper on a volume, and whoever brings it something."""

    def __init__(self, cache: Path, offer: Offer) -> None:
        line = [sys.executable, "-m", "yolodeploy.serve.keeper", "--cache", str(cache)]
        line += ["--offer", msgspec.json.encode(offer).decode(), "--port", "0"]
        self.process = subprocess.Popen(
            [*line, "--host", "127.0.0.1"], cwd=CHECKOUT, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr is not None
        self.port = int(self.process.stderr.readline().split()[-1])

    def told(self) -> KeeperTold:
        return msgspec.json.decode(ask(self.port, "/engines").body, type=KeeperTold)

    def send(self, path: str, piece: bytes) -> tuple[int, Taken]:
        reply = ask(self.port, f"/engines/{path}", piece, method="POST")
        return reply.status, msgspec.json.decode(reply.body, type=Taken)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def keep(tmp_path: Path, builds: Callable[[], int]) -> Iterator[Callable[..., Keeping]]:
    keepers: list[Keeping] = []

    def begin(offer: Offer, folder: str = "volume") -> Keeping:
        keepers.append(Keeping(tmp_path / folder, offer))
        return keepers[-1]

    yield begin
    for keeper in keepers:
        keeper.end()


def engine_of(*contents: bytes, model: str = "m", used_at: float = 0.0) -> KeptEngine:
    """One that was never built: to a keeper it is bytes."""
    from tests.core.test_engines import BOUND

    files = tuple(
        EngineFile(f"part_{number}.engine", len(content), digest_of(content))
        for number, content in enumerate(contents)
    )
    built_for = msgspec.structs.replace(BOUND, model=model)
    return KeptEngine(built_for=built_for, files=files, build_s=9.0, used_at=used_at)


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_a_keeper_takes_what_was_offered_in_pieces_and_after_a_power_cut(
    keep: Callable[..., Keeping], tmp_path: Path
) -> None:
    first, second = b"one " * 500, b"two " * 700
    engine = engine_of(first, second)
    offer = Offer(engines=(engine,))
    keeper = keep(offer)
    assert keeper.told().software.tensorrt == "10.14.1", "read, not loaded"
    assert keeper.told().kept == ()
    path = f"{engine.key}/part_0.engine"
    assert keeper.send(f"{path}?offset=0", first[:300]) == (200, Taken(300))
    assert keeper.send(f"{path}?offset=0", first[:300])[0] == 409, "it has those"
    assert keeper.told().coming == {path: 300}
    keeper.end()

    keeper = keep(offer)
    assert keeper.told().coming == {path: 300}, "it lies on the volume"
    assert keeper.send(f"{path}?offset=300", first[300:]) == (200, Taken(2000))
    assert keeper.told().kept == (), "half of it is nothing"
    assert keeper.send(f"{engine.key}/part_1.engine?offset=0", second) == (200, Taken(2800))
    assert keeper.send(f"{engine.key}/part_1.engine?offset=0", second) == (200, Taken(2800))
    (kept,) = keeper.told().kept
    assert (kept.files, kept.build_s) == (engine.files, 9.0)
    assert EngineCache(tmp_path / "volume").whole(engine.key) is not None
    assert not list((tmp_path / "volume").glob("*.coming"))


def test_a_keeper_takes_nothing_that_was_not_offered(
    keep: Callable[..., Keeping], tmp_path: Path
) -> None:
    """Its port answers everybody in the cluster, and TensorRT would run what lies there."""
    content = b"code" * 100
    engine = engine_of(content)
    keeper = keep(Offer(engines=(engine,)))
    path = f"{engine.key}/part_0.engine"
    assert keeper.send(f"{'0' * 24}/part_0.engine?offset=0", content)[0] == 404
    assert keeper.send(f"{engine.key}/other.engine?offset=0", content)[0] == 404
    assert keeper.send(f"{engine.key}/..%2f..%2fx.engine?offset=0", content)[0] == 404
    assert keeper.send(f"{path}?offset=0", content + b"more")[0] == 404
    assert keeper.send(f"{path}?offset=-1", content)[0] == 404
    assert keeper.send(f"{path}?offset=0", b"evil" * 100)[0] == 422
    assert keeper.told().coming == {}, "it begins again"
    connection = http.client.HTTPConnection("127.0.0.1", keeper.port, timeout=30)
    connection.request("POST", f"/engines/{path}", headers={"Content-Length": str(PIECE + 1)})
    assert connection.getresponse().status == 413
    assert sorted(file for file in (tmp_path / "volume").rglob("*") if file.is_file()) == []
    assert keeper.send(f"{path}?offset=0", content)[0] == 200


def test_a_full_volume_is_told_and_what_was_there_stays(
    keep: Callable[..., Keeping], tmp_path: Path
) -> None:
    content = b"x" * 3000
    engine = engine_of(content)
    keeper = keep(Offer(engines=(engine,)))
    path = f"{engine.key}/part_0.engine"
    assert keeper.send(f"{path}?offset=0", content[:1000])[0] == 200
    limit = ["prlimit", f"--pid={keeper.process.pid}", "--fsize=1500:unlimited"]
    if subprocess.run(limit, check=False).returncode != 0:
        pytest.skip("prlimit is missing")
    status, taken = keeper.send(f"{path}?offset=1000", content[1000:])
    assert status == 507
    assert taken.reason
    subprocess.run(["prlimit", f"--pid={keeper.process.pid}", "--fsize=unlimited"], check=True)
    assert keeper.told().coming == {path: 1000}
    assert keeper.send(f"{path}?offset=1000", content[1000:])[0] == 200


def test_a_keeper_makes_room_and_keeps_what_a_rollback_needs(
    keep: Callable[..., Keeping], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = EngineCache(tmp_path / "volume")
    names = ("now", "before", "old", "older")
    for number, model in enumerate(names):
        engine = engine_of(b"x", model=model, used_at=100.0 - number)
        folder = cache.root / engine.key
        folder.mkdir(parents=True)
        size = 700 << 20
        with (folder / "part_0.engine").open("wb") as stream:
            stream.truncate(size)  # sparse
        file = EngineFile("part_0.engine", size, digest_of(b"not looked at"))
        told = msgspec.structs.replace(engine, files=(file,))
        (folder / "engine.json").write_bytes(msgspec.json.encode(told))
    (cache.root / f"{'0' * 24}.coming").mkdir()
    keeper = keep(Offer(models=("now", "before")))
    kept = [engine.built_for.model for engine in keeper.told().kept]
    assert kept == ["now", "before", "old"], "1 GiB of what nobody needs may stay"
    assert not list(cache.root.glob("*.coming"))


def test_what_builds_beforehand_leaves_what_the_server_finds(
    start: Start, builds: Callable[[], int], tmp_path: Path, model: Path
) -> None:
    told = {
        "model": str(model), "state_dir": str(tmp_path / "state"),
        "engine_cache": str(tmp_path / "cache"), "serving": {"engine": "tensorrt"},
    }  # fmt: skip
    config = tmp_path / "serve.json"
    config.write_text(json.dumps(told))
    line = [sys.executable, "-m", "yolodeploy.serve.building", "--config", str(config)]
    for _ in range(2):
        assert subprocess.run(line, check=False, cwd=CHECKOUT, env={**os.environ}).returncode == 0
    assert builds() == 1
    server = start(serving=TENSORRT, engine_cache=str(tmp_path / "cache")).wait_ready()
    assert builds() == 1
    assert len(told_by(server).kept) == 1
    # a release that builds nothing has nothing to leave there
    config.write_text(json.dumps({**told, "serving": {}}))
    done = subprocess.run(line, check=False, cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "serve.engine_not_kept" in done.stderr
    assert until(lambda: server.ask("/readyz").status == 200, "still ready")
