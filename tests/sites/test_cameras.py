"""If these fail, a site's cameras are read by nobody, or by two, while its release is switched."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.sites.parts import APP, LIMIT_S, Bench, alive, until
from yolodeploy.core.beside import Beside, Way
from yolodeploy.core.release import Release

pytest.importorskip("av", reason="PyAV is not installed: pip install -e '.[streams]'")


def phases(bench: Bench) -> dict[str, str]:
    """How the cameras are, as whoever serves the app tells it."""
    parts = urlsplit(bench.app().endpoints[0])
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=LIMIT_S)
    try:
        connection.request("GET", "/cameras")
        body = connection.getresponse().read()
    finally:
        connection.close()
    return {camera["name"]: camera["phase"] for camera in json.loads(body)}


def readers(bench: Bench) -> set[int]:
    """The processes that read the site's cameras."""
    servers = set(bench.processes())
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes()
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if b"yolodeploy.serve.sources.reader" in line and parent in servers:
            found.add(int(entry.name))
    return found


def test_the_sites_cameras_go_on_with_the_next_release(
    bench: Bench, v1: Release, v2: Release, example: Path
) -> None:
    fence = bench.commit(v1)
    assert phases(bench) == {}
    # the file is made when the server has long been running
    frames = json.dumps(str(example / "frames"))
    bench.folder.settings.write_text(
        f'[[cameras]]\nname = "line"\nurl = {frames}\nfps = 5\nrepeat = true\n'
    )
    until(lambda: phases(bench) == {"line": "running"}, "the camera is read")
    first = readers(bench)
    assert len(first) == 1
    bench.commit(v2, fence)
    until(lambda: phases(bench) == {"line": "running"}, "the next release reads it")
    until(lambda: len(readers(bench)) == 1, "one reads it")
    second = readers(bench)
    assert first.isdisjoint(second)
    bench.stop()
    until(lambda: not any(map(alive, first | second)), "nobody reads it")


def test_a_shadow_sees_a_cameras_frames_and_publishes_nothing(
    bench: Bench, v1: Release, v2: Release, example: Path, tmp_path: Path
) -> None:
    """The camera has one consumer, the old release, and every message is its."""
    fence = bench.commit(v1)
    published, frames = tmp_path / "found.jsonl", json.dumps(str(example / "frames"))
    bench.folder.settings.write_text(
        f'[[cameras]]\nname = "line"\nurl = {frames}\nfps = 5\nrepeat = true\n'
        f'[[sinks]]\nkind = "jsonl"\nname = "log"\npath = {json.dumps(str(published))}\n'
    )
    until(lambda: phases(bench) == {"line": "running"}, "the camera is read")
    first = readers(bench)
    bench.tried(v2, v1, Beside(Way.SHADOW, 100), fence)
    until(
        lambda: any(each.compared > 5 for each in bench.site.compared(APP)),
        "the camera's frames were compared",
    )
    assert readers(bench) == first
    assert len(bench.site.followers()) == 1, "a shadow is not waited for when cameras change"
    messages = [json.loads(line) for line in published.read_text().splitlines()]
    assert {message["release"] for message in messages} == {v1.digest}
    # a canary shares what is asked over HTTP, and leaves the camera where it is
    bench.tried(v2, v1, Beside(Way.CANARY, 50), fence)
    assert readers(bench) == first
