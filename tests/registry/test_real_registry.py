"""Debian's registry: if these fail, an image that was pushed is not there, or is another one."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
from pathlib import Path

import pytest

from tests.registry.images import image, index, layer_of, new_layout, random_image
from tests.registry.real import Registry
from tests.registry.relay import relay
from yolodeploy.core.errors import Corrupt, NotFound, UsageError
from yolodeploy.oci.checks import verify
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.registry.platforms import parse_platform
from yolodeploy.oci.registry.pull import Pull, Pulled
from yolodeploy.oci.registry.push import Push, Pushed
from yolodeploy.oci.registry.reference import Reference, parse_reference
from yolodeploy.oci.registry.transfers import Fate

MB = 1 << 20


def pushed(layout: Layout, found: Descriptor, place: Reference, chunk: int = 8 * MB) -> Pushed:
    push = Push(layout, found.digest, place, chunk=chunk)
    try:
        return push.run(push.plan())
    finally:
        push.close()


def pulled(layout: Layout, place: Reference, platform: str = "") -> Pulled:
    pull = Pull(layout, place, parse_platform(platform) if platform else None)
    try:
        return pull.run(pull.plan())
    finally:
        pull.close()


def fates(found: Pushed | Pulled) -> dict[str, str]:
    return {part.kind: part.fate.value for part in found.parts}


@pytest.mark.parametrize("size", [0, 1, 100_000, 3 * MB, 5 * MB + 7])
def test_what_was_pushed_is_pulled_again(
    size: int, layout: Layout, other: Layout, place: Reference
) -> None:
    found = random_image(layout, "x", size)
    first = pushed(layout, found, place, chunk=MB)
    assert first.moved_bytes >= size
    assert pulled(other, place).digest == found.digest
    assert verify(other, found.digest) == ()
    assert other.find(str(place)).digest == found.digest


def test_a_second_push_moves_nothing(layout: Layout, place: Reference) -> None:
    found = image(layout, "x", b"base", b"model")
    assert set(fates(pushed(layout, found, place)).values()) == {"upload"}
    again = pushed(layout, found, place)
    assert set(fates(again).values()) == {"present"}
    assert again.moved_bytes == 0


def test_a_model_update_moves_the_model_and_nothing_else(
    layout: Layout, place: Reference, plain: Registry
) -> None:
    """The bytes are counted on the wire, with every header."""
    base = bytes(3 * MB)
    pushed(layout, image(layout, "x:v1", base, b"first model"), place)
    new = image(layout, "x:v2", base, b"second model" * 100_000)
    with relay(plain.host) as link:
        v2 = Reference(link.host, place.repository, "v2")
        done = pushed(layout, new, v2)
        assert fates(done) == {
            "base": "present", "model": "upload", "config": "upload", "manifest": "upload",
        }  # fmt: skip
        assert link.sent <= layer_of(layout, new).size + 20_000


def test_what_another_repository_has_is_mounted(layout: Layout, place: Reference) -> None:
    found = image(layout, "x", bytes(MB), b"model")
    pushed(layout, found, place)
    done = pushed(layout, found, place._replace(repository=f"{place.repository}-too"))
    assert fates(done)["base"] == fates(done)["model"] == "mount"
    assert done.moved_bytes < 2000


def test_a_mount_that_is_not_possible_becomes_an_upload(
    layout: Layout, other: Layout, place: Reference
) -> None:
    """The registry lost what we remember: it answers 202, and we go on with that upload."""
    found = image(layout, "x", bytes(MB))
    push = Push(layout, found.digest, place)
    push._places.remember(place.registry, "never/there", [layer_of(layout, found).digest])
    plan = push.plan()
    assert plan.parts[0].fate is Fate.MOUNT
    done = push.run(plan)
    push.close()
    assert done.parts[0].fate is Fate.UPLOAD
    assert pulled(other, place).digest == found.digest


def test_a_tag_that_meant_something_else_is_told(layout: Layout, place: Reference) -> None:
    first = image(layout, "x", b"1")
    assert pushed(layout, first, place).replaced == ""
    assert pushed(layout, image(layout, "x", b"2"), place).replaced == first.digest


def test_a_plan_writes_nothing(layout: Layout, other: Layout, place: Reference) -> None:
    found = random_image(layout, "x", 1000)
    plan = Push(layout, found.digest, place).plan()
    assert plan.moved_bytes == 0
    with pytest.raises(NotFound):
        Pull(other, place).plan()
    pushed(layout, found, place)
    blobs = set(other.blobs.digests())
    assert Pull(other, place).plan().digest == found.digest
    assert set(other.blobs.digests()) == blobs


def _push(path: Path, digest: str, reference: str, gate: object) -> None:
    gate.wait()  # type: ignore[attr-defined]
    pushed(Layout(path), Descriptor(media_type="", digest=digest, size=0),
           parse_reference(reference), chunk=MB)  # fmt: skip


def test_two_pushes_of_the_same_image_at_once(
    layout: Layout, other: Layout, place: Reference
) -> None:
    found = random_image(layout, "x", 6 * MB)
    context = multiprocessing.get_context("fork")
    gate = context.Barrier(3)
    arguments = (layout.path, found.digest, str(place), gate)
    both = [context.Process(target=_push, args=arguments) for _ in range(3)]
    for one in both:
        one.start()
    for one in both:
        one.join(120)
    assert [one.exitcode for one in both] == [0, 0, 0]
    assert pulled(other, place).digest == found.digest
    assert list((layout.path / ".registry" / "uploads").iterdir()) == []


def test_an_index_is_pushed_whole_and_pulled_by_platform(
    layout: Layout, other: Layout, place: Reference
) -> None:
    found = index(
        layout, "both", amd64=image(layout, "a", b"amd"),
        arm64=image(layout, "b", b"arm", architecture="arm64"),
    )  # fmt: skip
    done = pushed(layout, found, place)
    assert [part.kind for part in done.parts].count("manifest") == 2
    one = pulled(other, place, "linux/arm64/v8")
    assert other.read_config(other.read_manifest(one.digest)).architecture == "arm64"
    with pytest.raises(NotFound) as raised:
        pulled(other, place, "linux/riscv64")
    assert "linux/amd64" in raised.value.text()
    by_digest = place._replace(tag="", digest=one.digest)
    assert pulled(new_layout(other.path.parent / "third"), by_digest).digest == one.digest


def test_an_image_of_another_platform_gets_no_name(
    layout: Layout, other: Layout, place: Reference
) -> None:
    pushed(layout, image(layout, "x", b"1"), place)
    with pytest.raises(NotFound) as raised:
        pulled(other, place, "linux/arm64")
    assert raised.value.code == "registry.no_platform"
    assert other.manifests() == ()


def test_what_is_not_there_is_told(other: Layout, place: Reference) -> None:
    with pytest.raises(NotFound) as raised:
        pulled(other, place)
    assert raised.value.code == "registry.absent"
    assert str(place).partition("/")[2] in raised.value.text()
    with pytest.raises(UsageError) as usage:
        Pull(other, place._replace(tag=""))
    assert usage.value.code == "registry.no_tag"


def test_a_damaged_blob_is_never_there_under_its_name(
    layout: Layout, other: Layout, place: Reference
) -> None:
    found = random_image(layout, "x", 3 * MB)
    path = layout.blobs.path(layer_of(layout, found).digest)
    content = bytearray(path.read_bytes())
    content[MB] ^= 1
    path.write_bytes(content)
    with pytest.raises(Corrupt) as raised:
        pushed(layout, found, place)
    assert raised.value.code == "oci.blob_corrupt"
    with pytest.raises(NotFound):
        pulled(other, place)


def test_a_missing_blob_is_told_before_the_manifest_is_there(
    layout: Layout, place: Reference
) -> None:
    found = random_image(layout, "x", 1000)
    layout.blobs.delete(layer_of(layout, found).digest)
    with pytest.raises(NotFound) as raised:
        pushed(layout, found, place)
    assert raised.value.code == "oci.blob_missing"


# what others pushed, and what others pull ---------------------------------------------------------


def skopeo(*arguments: str) -> str:
    ended = subprocess.run(
        ["skopeo", "--insecure-policy", *arguments], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_skopeo_pulls_what_we_pushed(layout: Layout, place: Reference, tmp_path: Path) -> None:
    found = image(layout, "x", b"base", b"model" * 100_000)
    pushed(layout, found, place)
    copy = tmp_path / "copy"
    # without --preserve-digests skopeo compresses plain layers, which makes another image of it
    words = ("copy", "--src-tls-verify=false", "--preserve-digests")
    skopeo(*words, f"docker://{place}", f"oci:{copy}:x")
    assert Layout(copy).find("x").digest == found.digest
    assert verify(Layout(copy), found.digest) == ()


@pytest.mark.parametrize(
    ("form", "compression"), [("oci", "gzip"), ("oci", "zstd"), ("v2s2", "gzip")]
)
def test_we_pull_what_skopeo_pushed(
    form: str, compression: str, layout: Layout, other: Layout, place: Reference
) -> None:
    image(layout, "x", b"base" * 1000, b"model" * 100_000)
    skopeo(
        "copy", "--dest-tls-verify=false", f"--format={form}",
        f"--dest-compress-format={compression}", f"oci:{layout.path}:x", f"docker://{place}",
    )  # fmt: skip
    found = pulled(other, place)
    assert verify(other, found.digest) == ()
    told = skopeo("inspect", "--tls-verify=false", f"docker://{place}")
    assert json.loads(told)["Digest"] == found.digest
