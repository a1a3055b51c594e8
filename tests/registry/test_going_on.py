"""Cut links and killed processes.

If these fail, a push over a bad link begins again and again, or ends with half an image.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.registry.double import Double
from tests.registry.images import layer_of, random_image
from tests.registry.real import Registry
from tests.registry.relay import relay
from tests.registry.test_real_registry import pulled, pushed
from yolodeploy.oci.checks import verify
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.registry import upload_marks
from yolodeploy.oci.registry.reference import Reference

MB = 1 << 20
SIZE = 4 * MB + 12_345

# A push that kills itself, for real: SIGKILL, at a named point, the Nth time that it gets there
KILLED = """
import os, signal, sys
from pathlib import Path
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.registry import tally, upload_marks
from yolodeploy.oci.registry.push import Push
from yolodeploy.oci.registry.pull import Pull
from yolodeploy.oci.registry.reference import parse_reference

what, path, digest, reference, where, count = sys.argv[1:]
left = int(count)

def dying(function, late):
    def wrapped(*arguments):
        global left
        left -= 1
        turn = left  # other threads take theirs meanwhile
        if turn == 0 and not late:
            os.kill(os.getpid(), signal.SIGKILL)
        result = function(*arguments)
        if turn == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return wrapped

kinds = {"mark": (upload_marks.Mark, "keep"), "piece": (tally.Tally, "add")}
point, late = where.split()
owner, name = kinds[point]
setattr(owner, name, dying(getattr(owner, name), late == "after"))
target = parse_reference(reference)
if what == "push":
    one = Push(Layout(Path(path)), digest, target, chunk=1 << 20)
else:
    one = Pull(Layout(Path(path)), target)
one.run(one.plan())
"""


def killed(what: str, layout: Layout, digest: str, place: Reference, where: str, count: int) -> int:
    """The status of a process that should have killed itself."""
    ended = subprocess.run(
        [sys.executable, "-P", "-c", KILLED, what, layout.path, digest, str(place), where,
         str(count)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    return ended.returncode


def layer_part(done: object, layer: Descriptor) -> tuple[int, int]:
    """Bytes moved and bytes gone on from, of the layer."""
    [part] = [part for part in done.parts if part.blob.digest == layer.digest]  # type: ignore[attr-defined]
    return part.moved_bytes, part.resumed_bytes


@pytest.mark.parametrize("count", range(1, 7))
@pytest.mark.parametrize("where", ["mark before", "mark after"])
def test_a_push_that_was_killed_is_done_again(
    where: str, count: int, layout: Layout, other: Layout, place: Reference
) -> None:
    """At every acknowledged chunk, before and after it was noted; Debian's registry."""
    found = random_image(layout, "x", SIZE)
    status = killed("push", layout, found.digest, place, where, count)
    done = pushed(layout, found, place, chunk=MB)
    assert pulled(other, place).digest == found.digest
    assert verify(other, found.digest) == ()
    assert done.digest == found.digest
    assert (status != 0) == (count <= 6)


def test_a_push_that_was_killed_between_chunks_sends_only_the_rest(
    layout: Layout, place: Reference
) -> None:
    """Debian's registry takes an upload up where a chunk ended."""
    found = random_image(layout, "x", SIZE)
    layer = layer_of(layout, found)
    config = layout.read_manifest(found.digest).config
    pushed_config_first(layout, config, place)
    # the config is there: the marks are those of the layer; the first is of its beginning
    assert killed("push", layout, found.digest, place, "mark after", 4) == -signal.SIGKILL
    [mark] = (layout.path / ".registry" / "uploads").iterdir()
    assert mark.stat().st_mode & 0o777 == 0o600
    done = pushed(layout, found, place, chunk=MB)
    assert layer_part(done, layer) == (layer.size - 3 * MB, 3 * MB)
    assert list((layout.path / ".registry" / "uploads").iterdir()) == []


def pushed_config_first(layout: Layout, config: Descriptor, place: Reference) -> None:
    """Bring the configuration there, so that only the layer is left to be uploaded."""
    from yolodeploy.oci.registry.repository import Repository
    from yolodeploy.oci.registry.tally import Tally
    from yolodeploy.oci.registry.upload import Upload
    from yolodeploy.oci.registry.wire import Wire

    wire = Wire(place.registry)
    repository = Repository(wire, place.repository, "pull,push")
    marks = upload_marks.UploadMarks(layout.path / "elsewhere")
    with marks.own(place.registry, place.repository, config.digest) as mark:
        Upload(repository, layout, config, mark, tally=Tally()).run()
    wire.close()


@pytest.mark.parametrize("count", [2, 6, 11, 15])
def test_a_push_that_was_killed_within_a_chunk_goes_on_where_the_registry_is(
    count: int, layout: Layout, other: Layout, lying: Double
) -> None:
    """The double keeps what arrived of a chunk, as the specification allows."""
    found = random_image(layout, "x", SIZE)
    layer = layer_of(layout, found)
    place = Reference(lying.host, "a/b", "v1")
    assert killed("push", layout, found.digest, place, "piece after", count) == -signal.SIGKILL
    lying.wait_until_alone()
    there = sum(map(len, lying.uploads.values()))
    done = pushed(layout, found, place, chunk=MB)
    moved, resumed = layer_part(done, layer)
    assert moved + resumed == layer.size
    assert moved <= layer.size - there + MB, "at most one chunk is sent again"
    assert pulled(other, place).digest == found.digest


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
def test_a_link_that_is_cut_costs_at_most_a_chunk(
    fraction: float, layout: Layout, lying: Double, impatient: None
) -> None:
    """In the same process; bytes are counted on the link, with their headers."""
    found = random_image(layout, "x", SIZE)
    with relay(lying.host) as link:
        link.cut_after(sent=int(SIZE * fraction))
        pushed(layout, found, Reference(link.host, "a/b", "v1"), chunk=MB)
        assert link.cuts == 1
        assert link.sent <= SIZE + MB + 20_000
    assert found.digest in lying.manifests


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
def test_a_cut_push_to_debians_registry_ends_all_the_same(
    fraction: float, layout: Layout, other: Layout, place: Reference, plain: Registry,
    impatient: None,
) -> None:  # fmt: skip
    """It forgets what was cut within a chunk (2.8.2), so the blob begins again: once."""
    found = random_image(layout, "x", SIZE)
    with relay(plain.host) as link:
        link.cut_after(sent=int(SIZE * fraction))
        pushed(layout, found, place._replace(registry=link.host), chunk=MB)
        assert link.cuts == 1
        assert link.sent <= 2 * SIZE + MB + 20_000
    assert pulled(other, place).digest == found.digest


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
def test_a_pull_that_is_cut_goes_on(
    fraction: float, layout: Layout, other: Layout, place: Reference, plain: Registry,
    impatient: None,
) -> None:  # fmt: skip
    found = random_image(layout, "x", SIZE)
    pushed(layout, found, place)
    with relay(plain.host) as link:
        link.cut_after(received=int(SIZE * fraction))
        done = pulled(other, place._replace(registry=link.host))
        assert done.digest == found.digest
        assert link.cuts == 1
        assert link.received < 2 * SIZE, "what was in flight is all that comes again"
    layer = layer_of(layout, found)
    assert layer_part(done, layer) == (layer.size, 0), "nothing is written twice"
    assert verify(other, found.digest) == ()


@pytest.mark.parametrize("count", [1, 5, 12])
def test_a_pull_that_was_killed_goes_on(
    count: int, layout: Layout, other: Layout, place: Reference
) -> None:
    found = random_image(layout, "x", SIZE)
    layer = layer_of(layout, found)
    pushed(layout, found, place)
    assert killed("pull", other, "", place, "piece after", count) == -signal.SIGKILL
    assert other.manifests() == ()
    kept = other.path / ".arriving" / layer.digest.removeprefix("sha256:")
    there = kept.stat().st_size if kept.exists() else 0
    done = pulled(other, place)
    assert layer_part(done, layer) == (layer.size - there, there)
    assert verify(other, found.digest) == ()
    assert not kept.exists()


def test_what_a_killed_pull_left_damaged_is_brought_again(
    layout: Layout, other: Layout, place: Reference
) -> None:
    """After a power loss a file may hold zeros; the digest tells, and one more try mends it."""
    found = random_image(layout, "x", SIZE)
    layer = layer_of(layout, found)
    pushed(layout, found, place)
    folder = other.path / ".arriving"
    folder.mkdir(mode=0o700)
    (folder / layer.digest.removeprefix("sha256:")).write_bytes(bytes(2 * MB))
    done = pulled(other, place)
    assert layer_part(done, layer)[0] == 2 * layer.size - 2 * MB
    assert verify(other, found.digest) == ()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b'{"url":7}', b'{"url":"http://127.0.0.1:1/x"}', b"x" * 99_999]
)
def test_a_spoiled_mark_is_no_hindrance(
    content: bytes, layout: Layout, lying: Double, impatient: None
) -> None:
    """The disk was full, or the upload's host is gone: a new upload begins."""
    found = random_image(layout, "x", 3 * MB)
    folder = layout.path / ".registry" / "uploads"
    marks = upload_marks.UploadMarks(folder)
    for blob in (layer_of(layout, found), layout.read_manifest(found.digest).config):
        with marks.own(lying.host, "a/b", blob.digest) as mark:
            mark.keep("http://placeholder/")
    for path in folder.iterdir():
        path.write_bytes(content)
    pushed(layout, found, Reference(lying.host, "a/b", "v1"), chunk=MB)
    assert found.digest in lying.manifests


def test_ctrl_c_stops_a_push_at_once_and_the_next_one_goes_on(
    layout: Layout, lying: Double
) -> None:
    found = random_image(layout, "x", SIZE)
    place = Reference(lying.host, "a/b", "v1")
    script = (
        "import sys, time; from pathlib import Path\n"
        "from yolodeploy.oci.layout import Layout\n"
        "from yolodeploy.oci.registry import tally\n"
        "from yolodeploy.oci.registry.push import Push\n"
        "from yolodeploy.oci.registry.reference import parse_reference\n"
        "add = tally.Tally.add\n"
        "def slowly(self, count):\n"
        "    add(self, count); print('.', flush=True); time.sleep(0.3)\n"
        "tally.Tally.add = slowly\n"
        "one = Push(Layout(Path(sys.argv[1])), sys.argv[2], parse_reference(sys.argv[3]),\n"
        "           chunk=1 << 20)\n"
        "one.run(one.plan())\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", script, layout.path, found.digest, str(place)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for _ in range(8):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode != 0
    assert "KeyboardInterrupt" in err
    moved, resumed = layer_part(pushed(layout, found, place, chunk=MB), layer_of(layout, found))
    assert resumed > 0
    assert moved < SIZE
