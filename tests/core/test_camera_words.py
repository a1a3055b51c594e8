"""If these fail, what is wrong with a camera is told in two languages at once, or in none."""

from __future__ import annotations

import re

import pytest
from msgspec import UNSET

from yolodeploy.core.camera_address import LONGEST, address_of
from yolodeploy.core.camera_state import CameraState, why
from yolodeploy.core.errors import UsageError

ENGLISH = re.compile(r"\b(is|are|it|its|no|has|and|in)\b")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a" * (LONGEST + 1),
        "a\0b",
        "anna:secret@camera/1",
        "rstp://camera/1",
        "rtsp://camera/ 1",
        "rtsp://camera:port/1",
        "rtsp:///1",
        "rtsp://anna:secret@camera/1",
    ],
)
def test_what_is_wrong_with_a_url_is_told_in_one_language(url: str) -> None:
    with pytest.raises(UsageError) as raised:
        address_of(url)
    assert ENGLISH.search(raised.value.text())
    assert not ENGLISH.search(raised.value.text("zh"))
    assert "secret" not in raised.value.text("zh")


def failing(code: str, fields: dict[str, str] | None) -> CameraState:
    told = UNSET if fields is None else fields
    return CameraState(name="door", url="", phase="failed", code=code, reason="said", fields=told)


def test_why_a_camera_fails_is_told_in_the_language_of_the_reader() -> None:
    told = why(failing("camera.unreachable", {"reason": "no route\x1b[31m"}))
    assert told is not None
    assert "\x1b" not in told.text()
    assert told.text("zh").startswith("无法连接摄像头")


@pytest.mark.parametrize(
    ("code", "fields"),
    [("camera.unreachable", None), ("camera.of_a_later_version", {}), ("check.k3s", {}), ("", {})],
)
def test_what_is_not_known_here_is_told_as_the_server_says_it(
    code: str, fields: dict[str, str] | None
) -> None:
    """A server of an older or later version, or one that somebody else has put there."""
    told = why(failing(code, fields))
    assert told is not None
    assert told.text("zh") == "said"


def test_nothing_is_said_of_a_camera_that_is_well() -> None:
    assert why(CameraState(name="door", url="", phase="running")) is None
