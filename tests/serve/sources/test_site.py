"""The settings' cameras in a whole server: followed, handed over, shown, and gone with it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from yolodeploy.core.errors import UsageError
from yolodeploy.core.site_settings import SiteSettings
from yolodeploy.core.sketch import CAMERA_STAGES
from yolodeploy.serve.site_file import SiteFile

from ..running import LIMIT_S, alive, until
from .http_cameras import PASSWORD, USER

pytest.importorskip("av", reason="PyAV is not installed: pip install -e '.[streams]'")

if TYPE_CHECKING:
    from ..conftest import Start
    from ..running import Server
    from .http_cameras import HttpCameras

TOKEN = "0123456789abcdef-token"


def toml(**cameras: str) -> str:
    return "\n".join(
        f'[[cameras]]\nname = "{name}"\nurl = {json.dumps(url)}\n' for name, url in cameras.items()
    )


def cameras(server: Server) -> dict[str, Any]:
    return {state["name"]: state for state in server.ask("/cameras").json}


def phases(server: Server) -> dict[str, str]:
    return {name: state["phase"] for name, state in cameras(server).items()}


def readers(server: Server) -> list[int]:
    """The processes that read its cameras."""
    tasks = Path(f"/proc/{server.process.pid}/task").iterdir()
    return [int(pid) for task in tasks for pid in (task / "children").read_text().split()]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return tmp_path / "site.toml"


def change(settings: Path, text: str) -> None:
    """Its whole content at once: a server that looks meanwhile must not find an empty file."""
    draft = settings.with_name("draft.toml")
    draft.write_text(text)
    draft.replace(settings)


def test_cameras_are_followed_as_the_file_changes(
    start: Start, settings: Path, http_cameras: HttpCameras
) -> None:
    server = start(settings=str(settings)).wait_ready()
    assert server.ask("/cameras").json == []
    change(settings, toml(door=http_cameras.url("moving")))
    until(lambda: phases(server) == {"door": "running"}, server)
    door = readers(server)
    # another comes, the first is not touched
    change(settings, toml(door=http_cameras.url("moving"), gate=http_cameras.url("black")))
    until(lambda: phases(server) == {"door": "running", "gate": "running"}, server)
    assert set(door) < set(readers(server))
    # nonsense: all stays as it is, one line says why, and so does /info
    change(settings, toml(door=http_cameras.url("moving")) + "\nkamera = 1\n")
    until(lambda: server.ask("/info").json["settings_error"] != "", server)
    assert "did you mean cameras?" in server.ask("/info").json["settings_error"]
    assert phases(server) == {"door": "running", "gate": "running"}
    until(lambda: server.log.read_text().count("the settings stay") == 1, server)
    # a ConfigMap is swapped by a link
    other = settings.with_name("other.toml")
    other.write_text(toml(gate=http_cameras.url("moving")))
    link = settings.with_name("link")
    link.symlink_to(other)
    link.replace(settings)
    until(lambda: phases(server) == {"gate": "running"}, server)
    assert server.ask("/info").json["settings_error"] == ""
    until(lambda: not any(map(alive, door)), server)
    settings.unlink()
    until(lambda: phases(server) == {}, server)
    until(lambda: readers(server) == [], server)
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("cameras = 3", "Expected `array`"),
        ("[[cameras]]\nname = 'Door!'\nurl = 'x'", "lower-case letters, digits"),
        ("[[cameras]]\nname = 'a'\nurll = 'x'", "did you mean url?"),
        (toml(a="x") + toml(a="y"), "2 of camera a"),
        (
            toml(a="x") + "zones = [{ name = 'z', corners = [[0, 0], [9, 0], [9, 9]] }]",
            "set track = true",
        ),
        ("[[sinks]]\nkind = 'csv'\nname = 's'\npath = 'x'\ncameras = ['a']", "no camera a"),
        ("\x00\xff", "settings_invalid"),
    ],
    ids=("type", "name", "key", "twice", "track", "sink", "noise"),
)
def test_a_server_does_not_start_with_invalid_settings(
    start: Start, settings: Path, text: str, reason: str
) -> None:
    settings.write_text(text)
    server = start(settings=str(settings))
    assert server.ended() == 2
    log = server.log.read_text().splitlines()
    assert len(log) == 1
    assert reason in log[0]


def test_cameras_without_their_library_are_said_with_the_command(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    settings.write_text(toml(door="rtsp://door.plant/1"))
    with pytest.raises(UsageError) as raised:
        SiteFile(str(settings)).read()
    assert raised.value.code == "camera.library_missing"
    assert raised.value.remedy() == "pip install 'yolodeploy[streams]'"
    settings.write_text("")
    assert SiteFile(str(settings)).read() == SiteSettings()


def test_settings_in_json(start: Start, tmp_path: Path, http_cameras: HttpCameras) -> None:
    file = tmp_path / "site.json"
    file.write_text(
        json.dumps({"cameras": [{"name": "door", "url": http_cameras.url("moving"), "fps": 2}]})
    )
    server = start(settings=str(file)).wait_ready()
    until(lambda: phases(server) == {"door": "running"}, server)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=("asked", "killed"))
def test_one_server_reads_a_camera_and_the_next_takes_over(
    start: Start, settings: Path, http_cameras: HttpCameras, tmp_path: Path, number: int
) -> None:
    settings.write_text(toml(door=http_cameras.url("moving")))
    claims = str(tmp_path / "claims")
    old = start(settings=str(settings), claims=claims).wait_ready()
    until(lambda: phases(old) == {"door": "running"}, old)
    new = start(settings=str(settings), claims=claims).wait_ready()
    until(lambda: phases(new) == {"door": "waiting"}, new)
    reader = readers(old)
    assert len(reader) == 1
    assert readers(new) == []
    old.process.send_signal(number)
    until(lambda: phases(new) == {"door": "running"}, new)
    until(lambda: not any(map(alive, reader)), new)
    assert old.ended() in {0, -signal.SIGKILL}


def test_readers_die_with_their_server_even_when_they_are_stopped(
    start: Start, settings: Path, http_cameras: HttpCameras
) -> None:
    settings.write_text(toml(door=http_cameras.url("moving"), gate=http_cameras.url("silent")))
    server = start(settings=str(settings)).wait_ready()
    until(lambda: phases(server)["door"] == "running" and len(readers(server)) == 2, server)
    both = readers(server)
    os.kill(both[0], signal.SIGSTOP)
    server.process.kill()
    until(lambda: not any(map(alive, both)))


def test_cameras_are_measured(
    start: Start, settings: Path, http_cameras: HttpCameras, tmp_path: Path
) -> None:
    file = tmp_path / "credentials"
    file.write_text(f"{USER}:{PASSWORD}")
    file.chmod(stat.S_IRUSR | stat.S_IWUSR)
    settings.write_text(
        toml(door=http_cameras.url("guarded") + "?key=k3y")
        + f'credentials_file = "{file}"\n'
        + toml(off=http_cameras.url("missing"))
    )
    server = start(settings=str(settings)).wait_ready()
    until(lambda: cameras(server)["door"]["looked_at"] > 3, server)
    until(lambda: cameras(server)["off"]["phase"] == "failed", server)
    text = server.ask("/metrics").body.decode()
    assert 'yolodeploy_camera_up{camera="door"} 1.0' in text
    assert 'yolodeploy_camera_up{camera="off"} 0.0' in text
    for name in ("frames_total", "looked_at_total", "dropped_total", "corrupt_total", "fps"):
        assert f'yolodeploy_camera_{name}{{camera="door"}}' in text
    for stage in CAMERA_STAGES:
        assert f'yolodeploy_stage_seconds_count{{source="camera:door",stage="{stage}"}}' in text
    epochs = {epoch.source: epoch for epoch in server.report().epochs}
    assert epochs["camera:door"].requests > 3
    assert epochs["camera:door"].failures == 0
    told = json.dumps(cameras(server)) + server.log.read_text() + text
    assert PASSWORD not in told
    assert "k3y" not in told
    assert server.stop() == 0


def test_people_look_at_a_camera_and_need_a_token(
    start: Start, settings: Path, http_cameras: HttpCameras, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(TOKEN)
    tokens.chmod(0o600)
    settings.write_text(toml(door=http_cameras.url("moving")))
    server = start(settings=str(settings), token_file=str(tokens)).wait_ready()
    bearer = {"authorization": f"Bearer {TOKEN}"}
    assert server.ask("/cameras").status == 401
    assert server.ask("/cameras/door/view").status == 401
    assert server.ask("/cameras/gate/view", headers=bearer).json["code"] == "camera.no_such_camera"
    address = server.address()
    assert address is not None
    viewers = []
    for _ in range(9):
        connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=LIMIT_S)
        connection.request("GET", "/cameras/door/view", headers=bearer)
        viewers.append(connection)
    answers = [connection.getresponse() for connection in viewers]
    assert sorted(answer.status for answer in answers) == [200] * 8 + [503]
    first = next(answer for answer in answers if answer.status == 200)
    assert first.headers["content-type"] == "multipart/x-mixed-replace; boundary=yolodeploy"
    for _ in range(3):
        assert first.readline() == b"--yolodeploy\r\n"
        head = dict(line.split(b": ") for line in iter(first.readline, b"\r\n"))
        picture = first.read(int(head[b"content-length"]))
        assert picture.startswith(b"\xff\xd8")
        assert picture.endswith(b"\xff\xd9")
        assert first.readline() == b"\r\n"
    # who goes makes room, and nobody is drawn for when nobody looks
    for connection in viewers:
        connection.close()
    until(
        lambda: server.ask("/cameras", headers=bearer).json[0]["viewers"] == 0,
        server,
    )
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=LIMIT_S)
    connection.request("GET", "/cameras/door/view", headers=bearer)
    last = connection.getresponse()
    assert last.readline() == b"--yolodeploy\r\n"
    # one who looks does not hold up the end
    assert server.stop() == 0
    assert last.read().endswith(b"\r\n")


def test_settings_that_are_named_by_hand_must_be_there(tmp_path: Path) -> None:
    from yolodeploy.serve.__main__ import main

    assert main(["model.onnx", "--settings", str(tmp_path / "none.toml")]) == 2
