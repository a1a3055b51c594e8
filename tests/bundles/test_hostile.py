"""Bundles from strangers.

If these fail, whoever hands over a stick writes where he likes, or fills memory and disk.
"""

from __future__ import annotations

import json
import os
import random
import resource
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bundles.forging import (
    INDEX,
    USUAL,
    USUAL_MEMBERS,
    VERSION,
    document,
    entry,
    forged,
    member,
)
from yolodeploy.core.digests import digest_of
from yolodeploy.core.errors import Corrupt, UsageError, YolodeployError
from yolodeploy.oci.bundle import applying
from yolodeploy.oci.bundle.manifest import LONGEST, MANIFEST, checked_manifest
from yolodeploy.oci.bundle.reading import open_bundle
from yolodeploy.oci.bundle.verifying import damage
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.tar_header import tar_header

EVIL = b"evil"
OTHER_DIGEST = f"sha256:{'0' * 64}"


def applied(path: Path, layout: Layout, folder: Path) -> None:
    with open_bundle(path) as bundle:
        applying.apply(bundle, applying.plan(bundle, layout, folder), layout)


def code(path: Path, layout: Layout, folder: Path) -> str:
    """The code of what applying raises."""
    with pytest.raises(YolodeployError) as caught:
        applied(path, layout, folder)
    return caught.value.code


def everything_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


PATHS = {
    "up": "files/../../evil",
    "up in playbooks": "playbooks/../evil",
    "absolute": "/etc/evil",
    "absolute in files": "files//etc/evil",
    "elsewhere": "evil",
    "dots": "wheels/./evil",
    "empty": "",
    "folder": "files/",
    "a line break": "files/a\nb",
    "an escape": "files/\x1b[2J",
    "direction": "files/\u202egnp.exe",
    "NUL": "files/a\0b",
    "long": f"files/{'x' * 300}",
    "the layout's own": ".in-use",
    "a blob of another name": f"blobs/sha256/{'1' * 64}",
    "no blob": "blobs/sha256/evil",
    "the manifest": MANIFEST,
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_a_path_that_leads_elsewhere(path: str, tmp_path: Path, other: Layout) -> None:
    ascii_path = path.encode("ascii", "replace").decode()
    bundle = forged(
        tmp_path / "x", document(*USUAL, entry(path, EVIL)), *USUAL_MEMBERS,
        member(ascii_path, EVIL),
    )  # fmt: skip
    before = everything_in(tmp_path)
    assert code(bundle, other, tmp_path / "files") == "bundle.manifest_invalid"
    assert everything_in(tmp_path) == before
    assert not Path("/etc/evil").exists()


MANIFESTS = {
    "twice": document(*USUAL, entry("files/a", EVIL), entry("files/a", EVIL)),
    "file and folder": document(*USUAL, entry("files/a", EVIL), entry("files/a/b", EVIL)),
    "no layout": document(USUAL[0], entry("files/a", EVIL)),
    "another digest": document(*USUAL, entry("files/a", EVIL, digest="md5:1")),
    "a negative size": document(*USUAL, entry("files/a", EVIL, size=-1)),
    "a huge size": document(*USUAL, entry("files/a", EVIL, size=1 << 62)),
    "a size beyond counting": document(*USUAL, entry("files/a", EVIL, size=10**30)),
    "another version": document(*USUAL).replace(b'"schemaVersion": 1', b'"schemaVersion": 2'),
    "no version": b'{"entries":[]}',
    "no JSON": b"evil",
    "no text": b'{"schemaVersion":1,"entries":[{"path":"\xff"}]}',
    "nothing": b"",
    "deep": b'{"schemaVersion":1,"entries":' + b"[" * 100_000,
    "deep, unasked": document(*USUAL)[:-1] + b',"x":' + b"[" * 90_000 + b"]" * 90_000 + b"}",
}


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS.keys())
def test_a_manifest_that_is_none(manifest: bytes, tmp_path: Path, other: Layout) -> None:
    bundle = forged(tmp_path / "x", manifest, *USUAL_MEMBERS, member("files/a", EVIL))
    assert code(bundle, other, tmp_path / "files") == "bundle.manifest_invalid"
    assert not (tmp_path / "files").exists()


def test_a_manifest_of_a_gigabyte_is_not_read(tmp_path: Path, other: Layout) -> None:
    path = tmp_path / "x"
    with path.open("wb") as file:
        file.write(tar_header(MANIFEST, 1 << 30, 0o644, b"0"))
        file.truncate(1 << 30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert code(path, other, tmp_path / "files") == "bundle.not_bundle"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB


def test_the_longest_manifest_costs_little(tmp_path: Path, other: Layout) -> None:
    entries = [entry(f"files/x/{n}", b"") for n in range(LONGEST // 160)]
    content = json.dumps(
        {"schemaVersion": 1, "entries": [*USUAL, *entries]}, separators=(",", ":")
    ).encode()
    assert LONGEST * 0.5 < len(content) <= LONGEST
    assert len(checked_manifest(content).entries) == len(entries) + 2


def test_links_and_devices_are_not_what_the_manifest_says(tmp_path: Path, other: Layout) -> None:
    """Their headers cannot fit: a bundle has plain files only."""
    target = tmp_path / "outside"
    target.write_text("mine")
    for kind in (b"1", b"2", b"3", b"4", b"5", b"6", b"x", b"g", b"L"):
        wrong = member("files/a/b", b"", kind)
        bundle = forged(
            tmp_path / "x", document(*USUAL, entry("files/a/b", b"")), *USUAL_MEMBERS, wrong
        )
        assert code(bundle, other, tmp_path / "files") == "bundle.damaged"
    assert target.read_text() == "mine"


@pytest.mark.parametrize("changed", [{"digest": OTHER_DIGEST}, {"size": 3}, {"size": 5}])
def test_digests_and_sizes_that_lie(
    changed: dict[str, object], tmp_path: Path, other: Layout
) -> None:
    manifest = document(*USUAL, entry("files/a/b", EVIL, **changed))
    bundle = forged(tmp_path / "x", manifest, *USUAL_MEMBERS, member("files/a/b", EVIL))
    assert code(bundle, other, tmp_path / "files") == "bundle.damaged"
    assert [found.member for found in damage(bundle)] == ["files/a/b"]
    assert list((tmp_path / "files").glob("[!.]*")) == []


def image_members(layer_digest: str = "", size: int = 0) -> tuple[bytes, list[bytes]]:
    """An image whose manifest describes a layer as it likes; the layer itself is `EVIL`."""
    config = b"{}"
    layer = {
        "mediaType": "application/vnd.oci.image.layer.v1.tar",
        "digest": layer_digest or digest_of(EVIL),
        "size": size or len(EVIL),
    }
    image = json.dumps(
        {
            "schemaVersion": 2,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                       "digest": digest_of(config), "size": 2},
            "layers": [layer],
        }
    ).encode()  # fmt: skip
    manifests = [
        {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest_of(image),
         "size": len(image), "annotations": {"org.opencontainers.image.ref.name": "x"}}
    ]  # fmt: skip
    index = json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()
    files = {"oci-layout": VERSION, "index.json": index}
    files |= {f"blobs/sha256/{digest_of(c)[7:]}": c for c in (image, config, EVIL)}
    manifest = document(*(entry(path, content) for path, content in files.items()))
    return manifest, [member(path, content) for path, content in files.items()]


def test_an_image_that_is_sound_is_taken(tmp_path: Path, other: Layout) -> None:
    """So that the tests below fail for what they are about."""
    applied(forged(tmp_path / "x", *_flat(image_members())), other, tmp_path / "files")
    assert other.find("x")


def _flat(made: tuple[bytes, list[bytes]]) -> list[bytes]:
    return [made[0], *made[1]]


def test_an_image_whose_layer_is_another_size_gets_no_name(tmp_path: Path, other: Layout) -> None:
    bundle = forged(tmp_path / "x", *_flat(image_members(size=5_000)))
    assert code(bundle, other, tmp_path / "files") == "bundle.damaged"
    assert other.manifests() == ()


def test_an_image_that_needs_what_is_not_there_gets_no_name(tmp_path: Path, other: Layout) -> None:
    bundle = forged(tmp_path / "x", *_flat(image_members(OTHER_DIGEST)))
    assert [found.error.code for found in damage(bundle)] == ["bundle.incomplete"]
    applied(bundle, other, tmp_path / "files")
    assert other.manifests() == ()


@pytest.mark.parametrize("name", ["../../evil", "", "a b", "x" * 300, "\x1b[2J", "-x/"])
def test_a_name_that_is_none(name: str, tmp_path: Path, other: Layout) -> None:
    index = json.dumps({
        "schemaVersion": 2,
        "manifests": [{"mediaType": "x", "digest": OTHER_DIGEST, "size": 1,
                       "annotations": {"org.opencontainers.image.ref.name": name}}],
    }).encode()  # fmt: skip
    manifest = document(entry("oci-layout", VERSION), entry("index.json", index))
    bundle = forged(
        tmp_path / "x", manifest, member("oci-layout", VERSION), member("index.json", index)
    )
    with pytest.raises(UsageError) as caught:
        applied(bundle, other, tmp_path / "files")
    assert caught.value.code == "oci.ref_invalid"


def test_documents_that_refer_to_themselves_end(tmp_path: Path, other: Layout) -> None:
    """An index of ten thousand times the same is read once."""
    child = {
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "digest": OTHER_DIGEST,
        "size": 1,
    }
    nested = json.dumps({"schemaVersion": 2, "manifests": [child] * 10_000}).encode()
    top = dict(child, digest=digest_of(nested), size=len(nested))
    index = json.dumps({"schemaVersion": 2, "manifests": [top] * 1000}).encode()
    files = {
        "oci-layout": VERSION,
        "index.json": index,
        f"blobs/sha256/{digest_of(nested)[7:]}": nested,
    }
    manifest = document(*(entry(path, content) for path, content in files.items()))
    bundle = forged(tmp_path / "x", manifest, *(member(p, c) for p, c in files.items()))
    with open_bundle(bundle) as opened:
        assert len(opened.reachable(opened.images()[0])) == 2


def test_an_image_of_more_blobs_than_any_has(tmp_path: Path, other: Layout) -> None:
    """A hundred documents that name ten thousand blobs each would be a gigabyte of memory."""
    layers = [
        {"mediaType": "x", "digest": f"sha256:{number:064x}", "size": 1} for number in range(6000)
    ]
    many = json.dumps({"schemaVersion": 2, "layers": layers}).encode()
    media_type = "application/vnd.oci.image.manifest.v1+json"
    top = {"mediaType": media_type, "digest": digest_of(many), "size": len(many)}
    named = [{**top, "annotations": {"org.opencontainers.image.ref.name": "x"}}]
    for number, manifests in enumerate((named, [top] * 1001)):
        index = json.dumps({"schemaVersion": 2, "manifests": manifests}).encode()
        files = {"oci-layout": VERSION, "index.json": index}
        files[f"blobs/sha256/{digest_of(many)[7:]}"] = many
        manifest = document(*(entry(path, content) for path, content in files.items()))
        bundle = forged(tmp_path / f"{number}", manifest, *(member(p, c) for p, c in files.items()))
        assert code(bundle, other, tmp_path / "files") == "bundle.manifest_invalid"


NO_BUNDLES = {
    "empty": b"",
    "a letter": b"x",
    "random": random.Random(0).randbytes(5000),
    "zeros": bytes(10_240),
    "gzip": b"\x1f\x8b" + bytes(2000),
    "json": INDEX * 50,
}


@pytest.mark.parametrize("content", NO_BUNDLES.values(), ids=NO_BUNDLES)
def test_files_that_are_no_bundle(content: bytes, tmp_path: Path, other: Layout) -> None:
    (tmp_path / "x").write_bytes(content)
    assert code(tmp_path / "x", other, tmp_path / "files") == "bundle.not_bundle"


def test_folders_and_pipes_are_no_bundles(tmp_path: Path, other: Layout) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    assert code(tmp_path / "pipe", other, tmp_path / "files") == "bundle.unreadable"
    assert code(tmp_path / "folder", other, tmp_path / "files") == "bundle.unreadable"
    assert code(Path("/"), other, tmp_path / "files") == "bundle.unreadable"
    assert code(tmp_path / "loop", other, tmp_path / "files") == "bundle.absent"


@given(content=st.binary(max_size=3000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_manifest_of_any_bytes_is_refused_in_words(content: bytes, tmp_path: Path) -> None:
    bundle = forged(tmp_path / "x", content)
    with pytest.raises(Corrupt) as caught:
        damage(bundle)
    assert caught.value.code == "bundle.manifest_invalid"


def test_files_are_their_owners_and_run_nothing(tmp_path: Path, other: Layout) -> None:
    manifest = document(*USUAL, entry("files/a/b", EVIL))
    bundle = forged(tmp_path / "x", manifest, *USUAL_MEMBERS, member("files/a/b", EVIL))
    applied(bundle, other, tmp_path / "files")
    [folder] = (tmp_path / "files").glob("[!.]*")
    assert (folder / "files/a/b").read_bytes() == EVIL
    assert (folder / "files/a/b").stat().st_mode & 0o111 == 0
    assert (tmp_path / "files").stat().st_mode & 0o077 == 0
