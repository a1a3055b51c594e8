"""If these fail, gateways get what nobody published, or a lock loses what it held."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from tests.cli.conftest import Run, run  # noqa: F401 a fixture
from tests.cli.running import is_error
from yolodeploy.core.errors import Corrupt
from yolodeploy.ops.home import Home
from yolodeploy.provision.lock import Lock, entries, read_lock, text_of

VERSION = "v1.34.9+k3s1"
TOOLKIT = "1.20.0-1"
PACKAGES = (
    "libnvidia-container-tools", "libnvidia-container1", "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
)  # fmt: skip


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_words: object) -> None:
        """What it would say is on stderr, beside the command's own."""


@pytest.fixture
def published(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A place where releases are published: its address and its folder."""
    folder = tmp_path / "published"
    release = folder / VERSION
    release.mkdir(parents=True)
    for arch in ("amd64", "arm64"):
        binary = "k3s" if arch == "amd64" else f"k3s-{arch}"
        names = (f"k3s-airgap-images-{arch}.tar", f"k3s-airgap-images-{arch}.tar.zst", binary)
        lines = [f"{digest(name)}  {name}\n" for name in names]
        (release / f"sha256sum-{arch}.txt").write_text("".join(lines))
        (folder / arch).mkdir()
        stanzas = [
            f"Package: {name}\nVersion: {version}\nArchitecture: {arch}\nSize: 1\n"
            f"Filename: ./{name}.deb\nSHA256: {digest(name + version + arch)}\n"
            for name in PACKAGES
            for version in ("1.19.1-1", TOOLKIT)
        ]
        (folder / arch / "Packages").write_text("\n".join(stanzas))
    handler = partial(Silent, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()


def test_a_lock_is_filled_with_what_is_published(
    run: Run,  # noqa: F811
    home: Home,
    published: tuple[str, Path],
) -> None:
    """The technician's one step before a site can be provisioned at all."""
    place, _ = published
    line = ("site", "lock", "--k3s", VERSION, "--k3s-from", place)
    dry = run(*line, "--dry-run")
    assert dry.code == 0, dry.err
    assert not (home.root / "lock.yml").exists()
    answer = run(*line, "--toolkit", "1.20.0", "--toolkit-from", f"{place}/", "-o", "json")
    assert answer.code == 0, answer.err
    told = {row["entry"]: row["now"] for row in json.loads(answer.out)}
    assert told["k3s.version"] == VERSION
    lock = read_lock(home.root / "lock.yml")
    assert lock.k3s.sha256 == {
        name: digest(name)
        for name in ("k3s", "k3s-arm64", "k3s-airgap-images-amd64.tar.zst",
                     "k3s-airgap-images-arm64.tar.zst")
    }  # fmt: skip
    assert lock.nvidia_container_toolkit.version == TOOLKIT
    name = f"nvidia-container-toolkit_{TOOLKIT}_arm64.deb"
    assert lock.nvidia_container_toolkit.sha256[name] == digest(
        "nvidia-container-toolkit" + TOOLKIT + "arm64"
    )
    assert len(lock.nvidia_container_toolkit.sha256) == 8
    before = (home.root / "lock.yml").read_bytes()
    again = run(*line)
    assert "0 of" in again.err
    assert (home.root / "lock.yml").read_bytes() == before  # the toolkit's entries too
    plain = yaml.safe_load(before)  # as Ansible reads it
    assert set(plain) == {"k3s", "nvidia_container_toolkit", "nvidia_driver", "images"}


FAULTS = {
    "a_page_for_people": "<!DOCTYPE html><p>Log in to the plant's network",
    "a_short_digest": f"{digest('k3s')[:63]}  k3s\n",
    "two_digests": f"{digest('a')}  k3s\n{digest('b')}  k3s\n",
    "another_file": f"{digest('k3s')}  k3s-armhf\n",
    "a_path": f"{digest('k3s')}  ../../k3s\n",
    "no_text": "\udcff",
    "nothing": "",
}


@pytest.mark.parametrize("fault", [*FAULTS, "absent"])
def test_what_is_not_what_it_should_be_changes_nothing(
    run: Run,  # noqa: F811
    home: Home,
    published: tuple[str, Path],
    fault: str,
) -> None:
    place, folder = published
    path = folder / VERSION / "sha256sum-arm64.txt"
    path.unlink()
    if fault != "absent":
        path.write_bytes(FAULTS[fault].encode(errors="surrogateescape"))
    is_error(run("site", "lock", "--k3s", VERSION, "--k3s-from", place), 1)
    assert not (home.root / "lock.yml").exists()


@pytest.mark.parametrize(
    "line",
    ["site lock", "site lock --k3s 1.34.9", "site lock --k3s latest", "site lock --image x",
     "site lock --image proof_cpu=1", "site lock --image ../x=1", "site lock --toolkit 1.2/../3",
     "site lock --image X=a/b:c"],
)  # fmt: skip
def test_what_is_not_well_formed_asks_nobody(run: Run, home: Home, line: str) -> None:  # noqa: F811
    is_error(run(*line.split()), 2)
    assert not home.root.exists() or not (home.root / "lock.yml").exists()


def test_nobody_is_asked_in_clear_unless_that_was_meant(run: Run, home: Home) -> None:  # noqa: F811
    answer = run("site", "lock", "--k3s", VERSION, "--k3s-from", "http://mirror.invalid/k3s")
    is_error(answer, 1)
    assert "--insecure" in answer.err


@pytest.mark.parametrize(
    "text",
    ["k3s: [", "- 1", "k3s: {version: 1}", "k3s: {sha256: {k3s: abc}}", "ks3: {}", "a: &a [*a]",
     "images: {proof_cpu: busybox:latest}", "k3s: !!python/object:os.system {}"],
    ids=[f"text{n}" for n in range(8)],
)  # fmt: skip
def test_a_file_that_is_no_lock_is_not_taken_for_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lock.yml"
    path.write_text(text)
    with pytest.raises(Corrupt):
        read_lock(path)


def test_the_lock_that_is_shipped_is_one_and_empty(tmp_path: Path) -> None:
    lock = read_lock(Path(__file__).parents[2] / "playbooks/lock.yml")
    assert not any(entries(lock).values())
    path = tmp_path / "lock.yml"
    path.write_text(text_of(lock))
    assert read_lock(path) == lock
    assert read_lock(path) != Lock()
