"""Registries that are down, full, in trouble, or lie.

If these fail, a person is left with a traceback, a hanging command, or half an image that looks
whole.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.oci.small_disk import small_disk
from tests.ports import free_port
from tests.registry.double import Double, Handler, double
from tests.registry.images import image, index, layer_of, random_image
from tests.registry.real import registry
from yolodeploy.core.digests import digest_of
from yolodeploy.core.errors import Corrupt, Failed, NotFound, Refused, Unreachable, YolodeployError
from yolodeploy.oci import media_types
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor
from yolodeploy.oci.registry import limits
from yolodeploy.oci.registry import push as pushing
from yolodeploy.oci.registry.access import Access
from yolodeploy.oci.registry.pull import Pull, Pulled
from yolodeploy.oci.registry.push import Push, Pushed
from yolodeploy.oci.registry.reference import Reference

MB = 1 << 20
PLACE = "a/b"


def push(layout: Layout, host: str, found: Descriptor | None = None, chunk: int = MB) -> Pushed:
    made = found or random_image(layout, "x", 1000)
    one = Push(layout, made.digest, Reference(host, PLACE, "v1"), chunk=chunk)
    try:
        return one.run(one.plan())
    finally:
        one.close()


def pull(layout: Layout, host: str) -> Pulled:
    one = Pull(layout, Reference(host, PLACE, "v1"))
    try:
        return one.run(one.plan())
    finally:
        one.close()


def offer(lying: Double, layout: Layout, size: int = 3 * MB) -> Descriptor:
    """Let a double have an image; returns the descriptor of its layer."""
    found = random_image(layout, "x", size)
    manifest = layout.read_manifest(found.digest)
    for blob in (manifest.config, *manifest.layers):
        lying.blobs[blob.digest] = layout.blobs.path(blob.digest).read_bytes()
    content = layout.blobs.path(found.digest).read_bytes()
    assert lying.put(found.media_type, content, "v1") == found.digest
    return layer_of(layout, found)


def nothing_is_left(layout: Layout, blob: Descriptor | None = None) -> bool:
    """Whether a failed pull left no name, and nothing of a blob that was wrong."""
    if blob is not None:
        hexadecimal = blob.digest.removeprefix("sha256:")
        if layout.blobs.has(blob.digest) or (layout.path / ".arriving" / hexadecimal).exists():
            return False
    return layout.manifests() == ()


# not there ----------------------------------------------------------------------------------------


def test_a_registry_that_is_down(layout: Layout, other: Layout) -> None:
    host = f"127.0.0.1:{free_port()}"
    for act in (lambda: push(layout, host), lambda: pull(other, host)):
        began = time.monotonic()
        with pytest.raises(Unreachable) as raised:
            act()
        assert raised.value.code == "registry.unreachable"
        assert raised.value.exit_code == 3
        assert time.monotonic() - began < 60


def test_a_name_that_nobody_has(layout: Layout, impatient: None) -> None:
    with pytest.raises(Unreachable) as raised:
        push(layout, "registry.invalid")
    assert raised.value.code == "registry.unreachable"


@pytest.mark.parametrize(
    "says", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\n", b"\0" * 99]
)
def test_something_else_behind_the_port(says: bytes, layout: Layout, impatient: None) -> None:
    import threading

    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    client.recv(1000)
                    client.sendall(says)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with pytest.raises(Unreachable) as raised:
            push(layout, f"127.0.0.1:{server.getsockname()[1]}")
        assert raised.value.code == "registry.cut"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def test_a_registry_that_says_nothing_is_not_waited_for_for_ever(
    layout: Layout, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "IDLE_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:  # the kernel accepts, nobody answers
        with pytest.raises(Unreachable) as raised:
            push(layout, f"127.0.0.1:{server.getsockname()[1]}")
        assert raised.value.code == "registry.silent"


def test_a_registry_that_drips_is_given_up(
    layout: Layout, other: Layout, lying: Double, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes in time; all of them never would."""
    layer = offer(lying, layout)
    monkeypatch.setattr(limits, "ANSWER_S", 0.5)
    monkeypatch.setattr(limits, "SLOWEST", 1 << 40)
    ended: list[bool] = []

    def meddle(handler: Handler) -> bool:
        if handler.command == "GET" and layer.digest in handler.path:
            handler.send_response(200)
            handler.send_header("Content-Length", str(layer.size))
            handler.end_headers()
            for _ in range(600):
                handler.wfile.write(b"x")
                handler.wfile.flush()
                time.sleep(0.05)
            ended.append(True)
            return True
        return False

    lying.meddle = meddle
    with pytest.raises(Unreachable) as raised:
        pull(other, lying.host)
    assert raised.value.code == "registry.slow"
    assert not ended


def test_a_head_that_drips_is_given_up(
    other: Layout, lying: Double, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "IDLE_S", 0.5)

    def meddle(handler: Handler) -> bool:
        if "/manifests/" not in handler.path:
            return False
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(600):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)
        return True

    lying.meddle = meddle
    with pytest.raises(Unreachable) as raised:
        pull(other, lying.host)
    assert raised.value.code == "registry.silent"


@pytest.mark.parametrize("after", [0, 5, 12, 20, 30])
def test_a_head_that_is_cut_is_asked_for_again(
    after: int, layout: Layout, other: Layout, lying: Double, impatient: None
) -> None:
    """Each kind of request once; what is cut is never taken for an empty answer."""
    layer = offer(lying, layout)
    known: set[str] = set()

    def meddle(handler: Handler) -> bool:
        name = handler.path
        if name in known or handler.command != "GET" or handler.path == "/v2/":
            return False
        known.add(name)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: x\r\nContent-Length: 9"[:after])
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)
        return True

    lying.meddle = meddle
    pull(other, lying.host)
    assert len(known) == 3
    other.blobs.check(layer)


def test_a_link_that_stands_still_for_a_while_is_not_given_up(
    layout: Layout, lying: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than connecting may take: slow links do that in the middle of every body."""
    monkeypatch.setattr(limits, "CONNECT_S", 0.3)

    def meddle(handler: Handler) -> bool:
        if handler.command == "PUT" and "uploads" in handler.path:
            time.sleep(1)
        return False

    lying.meddle = meddle
    found = random_image(layout, "x", 12 * MB)
    push(layout, lying.host, found, chunk=8 * MB)
    assert len(lying.asked("POST")) == 2


# refusing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (401, Refused, "registry.unauthorized"),
        (403, Refused, "registry.forbidden"),
        (404, NotFound, "registry.absent"),
        (429, Unreachable, "registry.too_many"),
        (500, Unreachable, "registry.trouble"),
        (502, Unreachable, "registry.trouble"),
        (418, Failed, "registry.refused"),
    ],
)
@pytest.mark.parametrize("where", ["/v2/", "/manifests/", "/blobs/", "uploads"])
def test_a_status_that_is_no_success(
    status: int, kind: type[YolodeployError], code: str, where: str, layout: Layout, lying: Double,
    impatient: None,
) -> None:  # fmt: skip
    """At every step of a push: a code, a remedy, and never a manifest without its blobs."""

    def meddle(handler: Handler) -> bool:
        if where not in handler.path or (where == "/v2/" and handler.path != where):
            return False
        list(handler.body())
        handler.answer(status, b'{"errors":[{"code":"X","message":"because"}]}')
        return True

    lying.meddle = meddle
    if status == 404 and where in ("/manifests/", "/blobs/", "/v2/"):
        code = {"/manifests/": "registry.absent", "/blobs/": "registry.absent"}.get(
            where, "registry.not_a_registry"
        )
        kind = YolodeployError
    with pytest.raises(kind) as raised:
        push(layout, lying.host)
    assert raised.value.code == code
    assert raised.value.remedy()
    assert lying.manifests == {}


def test_what_fails_once_is_tried_again(layout: Layout, lying: Double, impatient: None) -> None:
    """At every request of a push, each with another mishap."""
    mishaps: list[Callable[[Handler], None]] = [
        lambda handler: handler.answer(503),
        lambda handler: handler.answer(429),
        lambda handler: handler.connection.shutdown(socket.SHUT_RDWR),
    ]
    for mishap in mishaps:
        known: set[str] = set()

        def meddle(handler: Handler, mishap: object = mishap, known: set[str] = known) -> bool:
            name = f"{handler.command} {handler.path}"
            if name in known:
                return False
            known.add(name)
            list(handler.body())
            mishap(handler)  # type: ignore[operator]
            return True

        lying.meddle = meddle
        found = random_image(layout, "x", 3 * MB)
        assert push(layout, lying.host, found).digest == found.digest
        assert found.digest in lying.manifests


def test_a_registry_that_asks_for_a_pause_gets_it(layout: Layout, lying: Double) -> None:
    refused_at = 0.0

    def meddle(handler: Handler) -> bool:
        nonlocal refused_at
        if "/manifests/" not in handler.path or refused_at:
            return False
        refused_at = time.monotonic()
        handler.answer(429, Retry_After="1")
        return True

    lying.meddle = meddle
    push(layout, lying.host)
    assert time.monotonic() - refused_at >= 1


def test_a_registry_that_asks_for_an_hour_is_told(layout: Layout, lying: Double) -> None:
    lying.meddle = lambda handler: handler.answer(429, Retry_After="3000") or True
    began = time.monotonic()
    with pytest.raises(Unreachable) as raised:
        push(layout, lying.host)
    assert raised.value.code == "registry.too_many"
    assert "3000 s" in raised.value.text()
    assert time.monotonic() - began < 60


@pytest.fixture
def full(tmp_path: Path) -> Iterator[str]:
    """Debian's registry on a disk of 2 MB."""
    folder = tmp_path / "full"
    folder.mkdir()
    with small_disk(folder / "data", "2m"), registry(folder) as found:
        yield found.host


def test_a_full_registry(full: str, layout: Layout, impatient: None) -> None:
    with pytest.raises(YolodeployError) as raised:
        push(layout, full, random_image(layout, "x", 6 * MB))
    assert raised.value.code in ("registry.full", "registry.trouble")
    assert raised.value.remedy()


# lying --------------------------------------------------------------------------------------------


def test_a_manifest_that_is_another_one(layout: Layout, other: Layout, lying: Double) -> None:
    offer(lying, layout)
    media_type, content = lying.manifests["v1"]
    wanted = digest_of(content)
    lying.manifests[wanted] = (media_type, content.replace(b"{", b"{ ", 1))
    one = Pull(other, Reference(lying.host, PLACE, digest=wanted))
    with pytest.raises(Corrupt) as raised:
        one.plan()
    assert raised.value.code == "registry.wrong_digest"
    assert nothing_is_left(other)


def test_a_registry_that_stored_something_else(layout: Layout, lying: Double) -> None:
    def meddle(handler: Handler) -> bool:
        if handler.command == "PUT" and "/manifests/" in handler.path:
            list(handler.body())
            handler.answer(201, Docker_Content_Digest="sha256:" + "0" * 64)
            return True
        return False

    lying.meddle = meddle
    with pytest.raises(Corrupt) as raised:
        push(layout, lying.host)
    assert raised.value.code == "registry.wrong_digest"


@pytest.mark.parametrize("how", ["flipped", "longer", "another"])
def test_a_blob_that_is_another_one(
    how: str, layout: Layout, other: Layout, lying: Double, impatient: None
) -> None:
    layer = offer(lying, layout)
    content = bytearray(lying.blobs[layer.digest])
    if how == "flipped":
        content[MB] ^= 1
    elif how == "longer":
        content += b"x"
    else:
        content = bytearray(os.urandom(len(content)))
    lying.blobs[layer.digest] = bytes(content)
    with pytest.raises(Corrupt) as raised:
        pull(other, lying.host)
    assert raised.value.code == "registry.wrong_blob"
    assert nothing_is_left(other, layer)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_blob_that_is_cut_short_each_time_still_comes(
    ranges: bool, layout: Layout, other: Layout, lying: Double, impatient: None
) -> None:
    """Three times a third of it; a registry that knows no ranges must send it all once."""
    layer = offer(lying, layout)
    lying.ranges = ranges
    times = 0

    def meddle(handler: Handler) -> bool:
        nonlocal times
        if handler.command != "GET" or layer.digest not in handler.path or times >= 3:
            return False
        times += 1
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1]) if ranges else 0
        content = lying.blobs[layer.digest][start:]
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(content)))
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{layer.size - 1}/{layer.size}")
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 3])
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)
        return True

    lying.meddle = meddle
    done = pull(other, lying.host)
    assert times == 3
    other.blobs.check(layer)
    moved = next(part.moved_bytes for part in done.parts if part.blob.digest == layer.digest)
    assert (moved == layer.size) is ranges


def test_a_blob_that_never_gets_further_is_given_up(
    layout: Layout, other: Layout, lying: Double, impatient: None
) -> None:
    layer = offer(lying, layout)

    def meddle(handler: Handler) -> bool:
        if handler.command != "GET" or layer.digest not in handler.path:
            return False
        handler.send_response(200)
        handler.send_header("Content-Length", str(layer.size))
        handler.end_headers()
        handler.wfile.write(lying.blobs[layer.digest][:10])
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)
        return True

    lying.meddle = meddle
    with pytest.raises(Unreachable) as raised:
        pull(other, lying.host)
    assert raised.value.code == "registry.cut"


@pytest.mark.parametrize("told", ["bytes 0-9/10", "bytes 99999999-99999999/*", "nonsense", ""])
def test_a_range_that_is_another_one(
    told: str, layout: Layout, other: Layout, lying: Double, impatient: None
) -> None:
    layer = offer(lying, layout)
    lying.meddle = lambda handler: (
        handler.command == "GET" and layer.digest in handler.path
        and (handler.answer(206, b"x" * 10, Content_Range=told) or True)
    )  # fmt: skip
    with pytest.raises(YolodeployError) as raised:
        pull(other, lying.host)
    assert raised.value.code in ("registry.bad_answer", "registry.wrong_blob", "registry.cut")
    assert other.manifests() == ()


HTML = b"<!DOCTYPE html><html><title>Please log in</title></html>"


@pytest.mark.parametrize("where", ["/v2/", "/manifests/", "/blobs/"])
@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/json"])
def test_a_page_for_people_instead_of_json(
    where: str, content_type: str, layout: Layout, other: Layout, lying: Double, impatient: None
) -> None:
    layer = offer(lying, layout)

    def meddle(handler: Handler) -> bool:
        if where not in handler.path or (where == "/v2/" and handler.path != where):
            return False
        handler.answer(200, HTML, Content_Type=content_type)
        return True

    lying.meddle = meddle
    with pytest.raises((Corrupt, Failed)) as raised:
        pull(other, lying.host)
    assert raised.value.code in (
        "registry.html", "registry.not_a_registry", "registry.wrong_blob", "registry.wrong_digest"
    )  # fmt: skip
    assert nothing_is_left(other)
    assert not other.blobs.has(layer.digest)


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b"{}", b'"x"', b"\xff\xfe", b"{" * 100_000, b'{"schemaVersion":1}',
     b'{"schemaVersion":2,"layers":[]}',
     b'{"schemaVersion":2,"config":{"digest":"sha256:../x","size":1,"mediaType":"m"},"layers":[]}',
     b'{"schemaVersion":2,"config":{"digest":"sha256:' + b"0" * 64 + b'","size":-1,"mediaType":""},'
     b'"layers":[]}',
     b'{"schemaVersion":2,"manifests":[{"digest":"md5:0","size":1,"mediaType":"m"}]}'],
)  # fmt: skip
def test_a_manifest_that_is_none(content: bytes, other: Layout, lying: Double) -> None:
    lying.put(media_types.MANIFEST, content, "v1")
    with pytest.raises(Corrupt) as raised:
        pull(other, lying.host)
    assert raised.value.code == "registry.json_invalid"
    assert nothing_is_left(other)


def test_an_index_that_leads_in_a_circle_or_to_another_index(other: Layout, lying: Double) -> None:
    inner = b'{"schemaVersion":2,"manifests":[]}'
    digest = lying.put(media_types.INDEX, inner)
    entry = {"mediaType": media_types.INDEX, "digest": digest, "size": len(inner),
             "platform": {"os": "linux", "architecture": "amd64"}}  # fmt: skip
    outer = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
    lying.put(media_types.INDEX, outer, "v1")
    with pytest.raises((Corrupt, NotFound)):
        pull(other, lying.host)


def test_an_index_is_pushed_whole_or_not_at_all(
    layout: Layout, lying: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "_MOST_MANIFESTS", 2)
    amd64, arm64 = image(layout, "a", b"1"), image(layout, "b", b"2", architecture="arm64")
    with pytest.raises(Corrupt) as raised:
        push(layout, lying.host, index(layout, "both", amd64=amd64, arm64=arm64))
    assert raised.value.code == "oci.json_invalid"
    assert not lying.blobs
    assert not lying.uploads
    push(layout, lying.host, index(layout, "one", amd64=amd64))


def test_a_manifest_of_a_gigabyte_is_not_kept_in_memory(other: Layout, lying: Double) -> None:
    sent = 0

    def meddle(handler: Handler) -> bool:
        nonlocal sent
        if "/manifests/" not in handler.path:
            return False
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 30))
        handler.end_headers()
        piece = b"{" * MB
        for _ in range(1 << 10):
            handler.wfile.write(piece)
            sent += len(piece)
        return True

    lying.meddle = meddle
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Corrupt) as raised:
        pull(other, lying.host)
    assert raised.value.code == "registry.too_large"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000  # kB
    assert sent < 64 * MB


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000_000, b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000,
     b"HTTP/9.9 banana\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: banana\r\n\r\n{}",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n{}",
     b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n"],
)  # fmt: skip
def test_an_answer_that_is_no_http(
    head: bytes, other: Layout, lying: Double, impatient: None
) -> None:
    def meddle(handler: Handler) -> bool:
        if "/manifests/" not in handler.path:
            return False
        handler.wfile.write(head)
        handler.close_connection = True
        return True

    lying.meddle = meddle
    with pytest.raises((Failed, Unreachable, Corrupt)) as raised:
        pull(other, lying.host)
    assert raised.value.code.startswith("registry.")


@pytest.mark.parametrize("location", ["", "file:///etc/passwd", "http://[", "gopher://x/"])
def test_an_upload_that_leads_nowhere(location: str, layout: Layout, lying: Double) -> None:
    lying.meddle = lambda handler: (
        handler.command == "POST" and (handler.answer(202, Location=location) or True)
    )
    with pytest.raises(Failed) as raised:
        push(layout, lying.host)
    assert raised.value.code == "registry.bad_answer"


def test_an_upload_that_is_lost_again_and_again(
    layout: Layout, lying: Double, impatient: None
) -> None:
    def meddle(handler: Handler) -> bool:
        if handler.command not in ("PATCH", "PUT") or "uploads" not in handler.path:
            return False
        list(handler.body())
        handler.answer(416)
        return True

    lying.meddle = meddle
    with pytest.raises(Failed) as raised:
        push(layout, lying.host, random_image(layout, "x", 3 * MB))
    assert raised.value.code == "registry.upload_lost"
    assert len(lying.asked("POST")) < 20


@pytest.mark.parametrize("refuses", ["chunks", "large bodies"])
def test_registries_that_take_blobs_only_their_way(
    refuses: str, layout: Layout, lying: Double
) -> None:
    """Whole ones only, or none of more than 2 MB (a proxy in front)."""

    def meddle(handler: Handler) -> bool:
        large = int(handler.headers.get("Content-Length", "0")) > 2 * MB
        if (handler.command == "PATCH") if refuses == "chunks" else large:
            list(handler.body())
            handler.answer(405 if refuses == "chunks" else 413)
            return True
        return False

    lying.meddle = meddle
    found = random_image(layout, "x", 9 * MB)
    push(layout, lying.host, found, chunk=3 * MB)
    layer = layer_of(layout, found)
    assert lying.blobs[layer.digest] == layout.blobs.path(layer.digest).read_bytes()


def test_a_disk_that_is_full_while_pulling(
    layout: Layout, tmp_path: Path, lying: Double, impatient: None
) -> None:
    layer = offer(lying, layout, 6 * MB)
    with small_disk(tmp_path / "small", "2m") as folder:
        here = Layout(folder / "layout").create()
        with pytest.raises(Failed) as raised:
            pull(here, lying.host)
        assert raised.value.code == "oci.disk_full"
        assert nothing_is_left(here, layer), "what cannot be finished takes no room"


def test_a_proxy_is_used_and_gets_its_own_password(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, lying: Double, impatient: None
) -> None:
    """Plain HTTP through a proxy; the proxy is the double, which answers for the registry."""
    monkeypatch.setenv("http_proxy", f"http://me:s3cr3t@{lying.host}")

    def meddle(handler: Handler) -> bool:
        if handler.path.startswith("http://registry.invalid"):
            handler.path = handler.path.removeprefix("http://registry.invalid")
            handler.path_only = handler.path.partition("?")[0]
        return False

    lying.meddle = meddle
    found = image(layout, "x", b"1")
    one = Push(layout, found.digest, Reference("registry.invalid", PLACE, "v1"), Access(True))
    one.run(one.plan())
    one.close()
    assert found.digest in lying.manifests
    assert all(seen.headers["proxy-authorization"] for seen in lying.seen)
    assert all(seen.headers["host"] == "registry.invalid" for seen in lying.seen)
    monkeypatch.setenv("no_proxy", "registry.invalid")
    with pytest.raises(Unreachable):
        Push(layout, found.digest, Reference("registry.invalid", PLACE), Access(True)).plan()


def test_a_second_double_does_not_see_the_first() -> None:
    """The double itself: each has its own memory."""
    with double() as one, double() as two:
        assert one.host != two.host
        assert one.blobs is not two.blobs
