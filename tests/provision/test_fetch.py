"""If these fail, a stick carries what nobody pinned, or not what an offline gateway asks for."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.cli.conftest import Run, run  # noqa: F401 a fixture
from tests.cli.running import is_error
from tests.provision.test_lock import Silent
from tests.registry.images import image, index, new_layout
from tests.registry.real import registry
from yolodeploy.oci.registry.push import Push
from yolodeploy.oci.registry.reference import Reference
from yolodeploy.ops.home import Home
from yolodeploy.provision.lock import Files, Lock, write_lock

VERSION = "v1.36.2+k3s1"
IMAGES = "k3s-airgap-images-amd64.tar.zst"


class Ranged(Silent):
    """Answers with the rest of a file where that is asked for; `asked` are the ranges."""

    asked: tuple[str, ...] = ()

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        type(self).asked += (wanted,)
        path = Path(self.translate_path(self.path))
        if not (wanted and path.is_file()):
            super().do_GET()
            return
        content, at = path.read_bytes(), int(wanted.removeprefix("bytes=").rstrip("-"))
        rest = content[at:]
        self.send_response(206 if rest else 416)
        self.send_header("Content-Range", f"bytes {at}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest)


@pytest.fixture
def pinned(tmp_path: Path, home: Home) -> Iterator[tuple[str, Lock, Path]]:
    """A place where k3s is published, and a lock that pins it and an image of two platforms."""
    release = tmp_path / "published" / VERSION
    release.mkdir(parents=True)
    (tmp_path / "registry").mkdir()
    contents = {"k3s": os.urandom(100_000), IMAGES: os.urandom(300_000)}
    for name, content in contents.items():
        (release / name).write_bytes(content)
    layout = new_layout(tmp_path / "makers")
    arm = image(layout, "arm", b"arm64's", architecture="arm64")
    both = index(layout, "both", amd64=image(layout, "amd", b"amd64's"), arm64=arm)
    handler = partial(Ranged, directory=str(release.parent))
    with (
        registry(tmp_path / "registry") as plain,
        ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
    ):
        push = Push(layout, both.digest, Reference(plain.host, "makers/plugin", "v1"))
        push.run(push.plan())
        push.close()
        Thread(target=server.serve_forever, daemon=True).start()
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        lock = Lock(
            k3s=Files(VERSION, digests),
            images={"device_plugin": f"{plain.host}/makers/plugin@{both.digest}", "proof_cuda": ""},
        )
        write_lock(home.root / "lock.yml", lock)
        yield f"http://127.0.0.1:{server.server_port}", lock, release
        server.shutdown()


def test_what_the_lock_names_goes_onto_a_stick(
    run: Run,  # noqa: F811
    home: Home,
    pinned: tuple[str, Lock, Path],
    tmp_path: Path,
) -> None:
    place, _, release = pinned
    folder, stick = tmp_path / "parts", tmp_path / "plant.tar"
    line = ("site", "fetch", str(folder), "--k3s-from", place)
    dry = run(*line, "--dry-run", "-o", "json")
    assert [row["present"] for row in json.loads(dry.out)] == [False] * 3
    assert not folder.exists()

    (folder / "k3s").mkdir(parents=True)
    (folder / "k3s/.k3s.partial").write_bytes((release / "k3s").read_bytes()[:60_000])
    Ranged.asked = ()
    answer = run(*line)
    assert answer.code == 0, answer.err
    assert "bytes=60000-" in Ranged.asked  # what had arrived before is not sent again
    assert (folder / "k3s/k3s").read_bytes() == (release / "k3s").read_bytes()
    assert {path.name for path in folder.iterdir()} == {"k3s", "k3s-images", "images", "lock.yml"}

    again = run(*line, "-o", "json")
    assert [(row["present"], row["moved_bytes"]) for row in json.loads(again.out)] == [
        (True, 0)
    ] * 3

    made = run("bundle", "create", str(stick), "--parts", str(folder), "--no-playbooks")
    assert made.code == 0, made.err
    with tarfile.open(stick) as carried:
        names = set(carried.getnames())
    assert {"files/k3s/k3s", f"files/k3s-images/{IMAGES}", "files/lock/lock.yml"} <= names
    (folder / "k3s/k3s").write_bytes(b"another")
    is_error(run("bundle", "create", str(stick), "--parts", str(folder)), 1)


def test_an_archive_has_the_pinned_index_and_one_platform(
    run: Run,  # noqa: F811
    pinned: tuple[str, Lock, Path],
    tmp_path: Path,
) -> None:
    """A pod asks for the index's digest: what only holds the one manifest is not found by it."""
    place, lock, _ = pinned
    folder = tmp_path / "parts"
    assert run("site", "fetch", str(folder), "--k3s-from", place).code == 0
    (archive,) = (folder / "images").iterdir()
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        top = json.load(tar.extractfile("index.json"))["manifests"][0]  # type: ignore[arg-type]
        blob = f"blobs/sha256/{top['digest'].removeprefix('sha256:')}"
        offered = json.load(tar.extractfile(blob))["manifests"]  # type: ignore[arg-type]
    assert top["annotations"]["io.containerd.image.name"] == lock.images["device_plugin"]
    carried = [
        one["platform"]["architecture"]
        for one in offered
        if f"blobs/sha256/{one['digest'].removeprefix('sha256:')}" in names
    ]
    assert carried == ["amd64"]


def test_what_differs_is_not_kept(
    run: Run,  # noqa: F811
    pinned: tuple[str, Lock, Path],
    tmp_path: Path,
) -> None:
    place, _, release = pinned
    (release / IMAGES).write_bytes(b"<html>log in</html>")
    folder = tmp_path / "parts"
    answer = run("site", "fetch", str(folder), "--k3s-from", place)
    is_error(answer, 1)
    assert "is not what the lock pins" in answer.err
    assert not list((folder / "k3s-images").iterdir())
    assert not (folder / "lock.yml").exists()


def test_nothing_is_fetched_where_nothing_is_pinned(run: Run, home: Home, tmp_path: Path) -> None:  # noqa: F811
    answer = run("site", "fetch", str(tmp_path / "parts"))
    is_error(answer, 1)
    assert "site lock --k3s" in answer.err
    assert not (tmp_path / "parts").exists()
