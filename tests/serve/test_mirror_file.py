"""The file by which a site has a server mirror.

If these fail, a release is tried on nothing, or whoever can write a file takes the server with it
that people depend on.
"""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING

import msgspec
import pytest

from yolodeploy.core.beside import Mirror
from yolodeploy.core.site_settings import Shadow, SiteSettings
from yolodeploy.serve.mirror import LARGEST, MirrorFile
from yolodeploy.serve.onlookers import Onlookers

from .running import until
from .test_shadow import PICTURE, report_of, url_of

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Start

GOOD = msgspec.json.encode(Mirror("http://127.0.0.1:9", 0.25))
HOSTILE = {
    "half of one": GOOD[: len(GOOD) // 2],
    "empty": b"",
    "no JSON": b"\xff\x00<html>",
    "nested": b"[" * 100_000,
    "too long": b" " * LARGEST + GOOD,
    "another scheme": json.dumps({"url": "file:///etc/passwd", "share": 0.5}).encode(),
    "two lines": json.dumps({"url": "http://a\r\nhost: b", "share": 0.5}).encode(),
    "a share of nothing": json.dumps({"url": "http://127.0.0.1:9", "share": 0}).encode(),
    "a share of more than all": json.dumps({"url": "http://127.0.0.1:9", "share": 7}).encode(),
    "no number": b'{"url": "http://127.0.0.1:9", "share": NaN}',
    "a list": b'["http://127.0.0.1:9", 0.5]',
}


@pytest.fixture
def onlookers(tmp_path: Path) -> Onlookers:
    return Onlookers(str(tmp_path))


def url_followed(onlookers: Onlookers) -> str:
    report = onlookers.report()
    return report.url if report else ""


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_what_cannot_be_followed_changes_nothing_and_is_told_once(
    onlookers: Onlookers, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "mirror.json"
    path.write_bytes(GOOD)
    mirror = MirrorFile(str(path), onlookers)
    try:
        with caplog.at_level(logging.WARNING):
            mirror.follow()
            path.write_bytes(content)
            mirror.follow()
            mirror.follow()
        assert url_followed(onlookers) == "http://127.0.0.1:9"
        (told,) = caplog.messages
        assert str(path) in told
        assert "\n" not in told
        path.write_bytes(msgspec.json.encode(Mirror("http://127.0.0.1:10", 1.0)))
        mirror.follow()
        assert url_followed(onlookers) == "http://127.0.0.1:10"
        path.unlink()
        mirror.follow()
        assert onlookers.report() is None
        assert not onlookers.looking
    finally:
        onlookers.close()


def test_what_is_no_file_holds_nobody(
    onlookers: Onlookers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A pipe that nobody writes to would, where it is opened as files are."""
    pipe, folder, loop = tmp_path / "pipe", tmp_path / "folder", tmp_path / "loop"
    os.mkfifo(pipe)
    folder.mkdir()
    loop.symlink_to(loop)
    for path in (pipe, folder, loop):
        MirrorFile(str(path), onlookers).follow()
        assert str(path) in caplog.text
    MirrorFile(str(tmp_path / "none" / "mirror.json"), onlookers).follow()
    assert onlookers.report() is None


def test_what_a_person_asked_for_wins(onlookers: Onlookers) -> None:
    mine, site = Shadow(url="http://127.0.0.1:9"), Shadow(url="http://127.0.0.1:10", share=0.5)
    try:
        onlookers.mirror(site)
        assert url_followed(onlookers) == site.url
        onlookers.follow(mine, None)
        assert url_followed(onlookers) == mine.url
        onlookers.mirror(site)
        assert url_followed(onlookers) == mine.url
        onlookers.follow(None, None)
        assert url_followed(onlookers) == site.url
        assert onlookers.looking
        onlookers.mirror(None)
        assert not onlookers.looking
    finally:
        onlookers.close()


def test_a_server_mirrors_while_the_file_is_there(start: Start, tmp_path: Path) -> None:
    """Without a file of settings too, and with one that names no shadow."""
    settings = tmp_path / "settings.json"
    settings.write_bytes(msgspec.json.encode(SiteSettings()))
    path = tmp_path / "mirror.json"
    second = start(release="sha256:other").wait_ready()
    for config in ({}, {"settings": str(settings)}):
        first = start(mirror=str(path), **config).wait_ready()
        assert first.ask("/shadow").status == 404
        path.write_bytes(msgspec.json.encode(Mirror(url_of(second), 1.0)))
        until(lambda first=first: first.ask("/shadow").status == 200)  # type: ignore[misc]
        assert first.detect(PICTURE).status == 200
        until(lambda first=first: report_of(first).compared == 1)  # type: ignore[misc]
        report = report_of(first)
        assert (report.release, report.lost, report.agreement.gained) == ("sha256:other", 0, 0)
        path.unlink()
        until(lambda first=first: first.ask("/shadow").status == 404)  # type: ignore[misc]
        assert first.detect(PICTURE).status == 200
