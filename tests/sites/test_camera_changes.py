"""If these fail, a camera that shows nothing stays, what a person wrote is lost, or a password is.

A real site with a real server; the camera is a folder of pictures that begins again.
"""

from __future__ import annotations

import json
import os
import signal
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run, run  # noqa: F401 (a fixture)
from tests.cli.running import started
from tests.rollouts.plant import EXAMPLE, Plant
from tests.sites.parts import Bench, impatient_with, until
from yolodeploy.core.kept_settings import VERSIONS_KEPT, KeptSettings
from yolodeploy.core.sentences import words
from yolodeploy.ops import cameras, site_settings
from yolodeploy.ops.doctor import examine
from yolodeploy.ops.home import Home
from yolodeploy.ops.person import person
from yolodeploy.ops.rollout_run import new_holder
from yolodeploy.ops.settings_text import with_camera

FRAMES = str(EXAMPLE / "frames")
NOWHERE = "rtsp://127.0.0.1:9/stream"
LONG_S = "300"  # whoever is well is followed sooner


@pytest.fixture
def bench(home: Home) -> Bench:
    """A site whose one server runs."""
    plant = Plant(home)
    (bench,) = plant.sites(1)
    _, code = plant.run(plant.release(1))
    assert code == 0
    return bench


def rows(answer: object) -> list[dict[str, object]]:
    assert answer.code == 0, answer.err  # type: ignore[attr-defined]
    found = json.loads(answer.out)  # type: ignore[attr-defined]
    return found if isinstance(found, list) else [found]


def findings(home: Home) -> set[str]:
    """The codes of what is wrong here."""
    return {error.code for one in examine(home) for error in one.findings}


def text_of(bench: Bench) -> str:
    return bench.site.folder.settings.read_text()


def test_a_camera_s_life(
    bench: Bench,
    run: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Added, seen, changed, back again, removed: each a version; nothing of a person's is lost."""
    add = ("camera", "add", "line", "--site", "site-1", "--url", FRAMES, "--repeat", "--fps", "5")
    (tried,) = rows(run(*add, "--dry-run", "-o", "json"))
    assert (tried["version"], tried["before"], tried["followed"]) == (None, None, None)
    assert not bench.site.settings(), "a dry run changes nothing"
    (made,) = rows(run(*add, "--wait", LONG_S, "-o", "json"))
    assert (made["version"], made["followed"]) == (1, 1)
    (seen,) = rows(run("camera", "list", "-o", "json"))
    assert (seen["camera"], seen["phase"], seen["device"]) == ("line", "running", "site-1-1")
    again = run(*add)
    assert (again.code, "camera edit" in again.err) == (1, True)
    undone = run("camera", "undo", "site-1", "--dry-run")
    assert (undone.code, "back to none" in undone.err) == (0, True), "before the first were none"
    with monkeypatch.context() as chinese:
        chinese.setenv("YOLODEPLOY_LANGUAGE", "zh")
        undone = run("camera", "undo", "site-1", "--dry-run")
        history = run("camera", "history", "site-1")
        assert ("恢复到没有设置" in undone.err, "已添加摄像头 line" in history.out) == (True, True)

    edited = f"# by the night shift\n{text_of(bench)}"
    bench.site.folder.settings.write_text(edited)
    edit = ("camera", "edit", "line", "--site", "site-1", "--fps", "2", "--wait", LONG_S)
    (changed,) = rows(run(*edit, "-o", "json"))
    assert (changed["version"], changed["before"]) == (3, 2), "what was edited is a version too"
    assert text_of(bench).startswith("# by the night shift\n")
    assert "fps = 2.0" in text_of(bench)
    notes = [each.note for each in bench.site.settings()]
    assert notes == ["camera line changed", "by hand", "camera line added"]

    assert run("camera", "undo", "site-1", "--wait", LONG_S).code == 0
    assert text_of(bench) == edited
    assert run("camera", "undo", "site-1", "--to", "99").code == 1
    removed = run("camera", "remove", "line", "--site", "site-1", "--yes", "--wait", LONG_S)
    assert removed.code == 0
    assert rows(run("camera", "list", "-o", "json")) == []
    assert len(rows(run("camera", "history", "site-1", "-o", "json"))) == 5


def test_a_camera_that_shows_nothing_goes_back_and_its_password_stays_apart(
    bench: Bench,
    run: Run,  # noqa: F811
    home: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run("camera", "add", "line", "--site", "site-1", "--url", FRAMES, "--repeat", "--wait", LONG_S)
    before = text_of(bench)
    secret = tmp_path / "door"
    secret.write_text("anna:tr0ub4dor-secret\n")
    words = ("camera", "add", "door", "--site", "site-1", "--url", NOWHERE)
    given = ("--credentials-file", str(secret))
    refused = run(*words, *given)
    assert (refused.code, "chmod 600" in refused.err) == (2, True), "others could read it"
    secret.chmod(0o600)
    impatient_with(monkeypatch, "door")
    back = run(*words, *given, "--wait", LONG_S)
    assert (back.code, "camera door" in back.err) == (4, True)
    assert text_of(bench) == before, "the camera that runs goes on as it was"
    assert rows(run("camera", "list", "-o", "json"))[0]["phase"] == "running"

    kept = run(*words, *given, "--wait", "0")
    assert kept.code == 0
    holding = [
        path for path in home.root.rglob("*")
        if path.is_file() and b"tr0ub4dor-secret" in path.read_bytes()
    ]  # fmt: skip
    assert [path.parent for path in holding] == [bench.site.folder.secrets]
    assert stat.S_IMODE(holding[0].stat().st_mode) == 0o600
    assert "tr0ub4dor" not in kept.out + kept.err + back.out + back.err
    (door,) = [row for row in rows(run("camera", "list", "-o", "json")) if row["camera"] == "door"]
    assert door["phase"] != "running"
    monkeypatch.setenv("YOLODEPLOY_LANGUAGE", "zh")
    until(lambda: "无法连接摄像头" in run("camera", "list").out, "why is told in Chinese")


def test_what_is_not_valid_or_not_to_be_changed_changes_nothing(
    bench: Bench,
    run: Run,  # noqa: F811
) -> None:
    words = ("camera", "add", "door", "--site", "site-1", "--url")
    for url in ("rtsp://anna:secret@camera/1", "gopher://camera", "rtsp://camera/\n"):
        wrong = run(*words, url)
        assert (wrong.code, "secret" in wrong.err) == (2, False), url
    assert run(*words, FRAMES, "--region", "1,2,3").code == 2
    assert run("camera", "edit", "door", "--site", "site-1", "--fps", "1").code == 1
    bench.site.folder.settings.write_text("cameras = 3\n")
    damaged = run(*words, FRAMES)
    assert (damaged.code, len(damaged.err.splitlines())) == (2, 2)
    assert text_of(bench) == "cameras = 3\n"
    bench.site.folder.settings.unlink()

    run("site", "hold", "site-1", "--reason", "audit")
    held = run(*words, FRAMES)
    assert (held.code, "audit" in held.err) == (1, True)
    run("site", "unhold", "site-1")
    fence = bench.site.claim("somebody/else", 60.0)
    leased = run(*words, FRAMES)
    assert (leased.code, "somebody/else" in leased.err) == (1, True)
    bench.site.release_lease(fence)
    assert not bench.site.folder.settings.exists()


def test_what_was_broken_by_hand_is_told_by_its_place_and_undone(
    bench: Bench,
    run: Run,  # noqa: F811
) -> None:
    add = ("camera", "add", "line", "--site", "site-1", "--url", FRAMES, "--repeat", "--wait")
    assert run(*add, LONG_S).code == 0
    sound, path = text_of(bench), bench.site.folder.settings
    path.write_text(f"{sound}x = [\n")
    until(lambda: any(each.error for each in bench.site.followers()), "the server has seen it")
    seen = run("camera", "list", "-o", "json")
    assert (seen.code, str(path) in seen.err) == (3, True)
    assert [row["phase"] for row in json.loads(seen.out)] == ["running"], "it still is"
    edited = run("camera", "edit", "line", "--site", "site-1", "--fps", "3")
    assert (edited.code, str(path) in edited.err, "x00" in edited.err) == (2, True, False)
    # the server tells what it saw at its last look, and follows what comes back all the while
    undone = run("camera", "undo", "site-1", "--wait", "0.1")
    assert (undone.code, text_of(bench)) == (0, sound), undone.err
    assert [each.note for each in bench.site.settings()][:2] == ["back to 1", "by hand"]
    again = run("camera", "undo", "site-1")
    assert (again.code, "version 2" in again.err, text_of(bench)) == (2, True, sound)


def test_versions_are_bounded_and_take_their_secrets_with_them(home: Home) -> None:
    (bench,) = Plant(home).sites(1)
    fence = bench.site.claim("me", 60.0)
    for number in range(VERSIONS_KEPT + 3):
        name = f"door-credentials-{number:02}"
        text = f'# {bench.site.secret_path(name)}\n[[cameras]]\nname = "x"\nurl = "{FRAMES}"\n'
        bench.site.keep_settings(KeptSettings(text=text), {name: b"a:b"}, fence)
    versions = bench.site.settings()
    assert [each.number for each in versions] == list(range(VERSIONS_KEPT + 3, 3, -1))
    assert len(list(bench.site.folder.secrets.iterdir())) == VERSIONS_KEPT
    (bench.site.folder.kept_settings / f"{5:06}.json").write_bytes(b"\xff{")
    assert len(bench.site.settings()) == VERSIONS_KEPT - 1, "one that is damaged costs itself"
    again = bench.site.keep_settings(KeptSettings(text="# again\n"), {}, fence)
    assert again.number == VERSIONS_KEPT + 4


def test_who_changes_settings_at_once_with_somebody_loses_nothing_of_his(home: Home) -> None:
    """Between reading and the lease somebody else may have had it."""
    (bench,) = Plant(home).sites(1)
    site = bench.site
    claim, others = site.claim, [True]

    def late(*words: Any, **options: Any) -> Any:
        if others.pop():
            others.append(False)
            cameras.put(home, "site-1", "his", cameras.Given({"url": FRAMES}), new=True, wait_s=0)
        return claim(*words, **options)

    site.claim = late  # type: ignore[method-assign]

    def edit(text: str) -> str:
        return with_camera(text, "site-1", "ours", {"url": FRAMES})

    done = site_settings.change(home, site, site_settings.Change(edit, words("ours")), wait_s=0)
    found, _ = site_settings.cameras_of(site)
    assert [camera.name for camera in found] == ["his", "ours"]
    assert done.now.number == 2


def test_who_is_killed_in_the_middle_leaves_the_settings_before_or_is_undone(
    bench: Bench,
    run: Run,  # noqa: F811
    home: Home,
) -> None:
    """`kill -9` where the version is written and not in force, and where nobody looked at it."""
    add = ("camera", "add", "line", "--site", "site-1", "--url", FRAMES, "--repeat", "--wait")
    assert run(*add, LONG_S).code == 0
    before = text_of(bench)

    def killed(text: str, *, in_force: bool) -> None:
        fence = bench.site.claim("killed", 60.0)
        bench.site.keep_settings(KeptSettings(text=text), {}, fence)
        if not in_force:
            bench.site.folder.settings.write_text(before)
        bench.site.release_lease(fence)

    killed(f"{before}# half", in_force=False)
    assert [each.number for each in bench.site.settings()] == [1], "it never was"
    killed(f"{before}# half", in_force=True)
    (row, _) = rows(run("camera", "history", "site-1", "-o", "json"))
    assert (row["version"], row["state"]) == (2, "unfinished")
    undone = run("camera", "undo", "site-1", "--wait", LONG_S)
    assert (undone.code, "was left unfinished" in undone.err) == (0, True)
    assert text_of(bench) == before
    # a real one, while it looks at what came of it
    process = started("camera", "add", "door", "--site", "site-1", "--url", NOWHERE, home=home.root)
    until(lambda: "door" in text_of(bench), "it is in force")
    assert "doctor.unfinished" not in findings(home), "it is being looked at"
    process.kill()
    process.communicate()
    assert "doctor.unfinished" in findings(home), "nobody looks any more, though the lease runs"
    bench.site.release_lease(bench.site.claim("its end", 1.0, take_over=True))
    again = run("camera", "edit", "line", "--site", "site-1", "--fps", "3", "--wait", LONG_S)
    assert (again.code, "was left unfinished" in again.err) == (0, True)
    assert ("door" in text_of(bench), "fps = 3.0" in text_of(bench)) == (False, True)
    # and when only such are left of a history, what was finished is still known
    fence = bench.site.claim("killed", 600.0)
    for number in range(VERSIONS_KEPT + 2):
        bench.site.keep_settings(KeptSettings(text=f"# {number}\n"), {}, fence)
    bench.site.release_lease(fence)
    assert run("camera", "undo", "site-1", "--wait", LONG_S).code == 0
    assert "fps = 3.0" in text_of(bench)


def test_who_does_not_wait_was_told_for_what_and_how_to_go_back(
    bench: Bench,
    run: Run,  # noqa: F811
    home: Home,
) -> None:
    words = ("camera", "add", "door", "--site", "site-1", "--url", NOWHERE)
    process = started(*words, home=home.root)
    assert process.stderr is not None
    assert b"waiting 150 s at most" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert (process.returncode, b"yolodeploy camera undo site-1" in told) == (130, True), told
    assert "door" in text_of(bench)
    assert "doctor.unfinished" in findings(home)
    assert run("camera", "undo", "site-1", "--wait", LONG_S).code == 0
    assert "door" not in text_of(bench)
    assert "doctor.unfinished" not in findings(home)


def test_a_relative_path_begins_where_the_person_is(
    home: Home,
    run: Run,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The site's servers have a folder of their own."""
    (bench,) = Plant(home).sites(1)
    monkeypatch.chdir(EXAMPLE)
    added = run("camera", "add", "line", "--site", "site-1", "--url", "frames", "--wait", "0")
    assert (added.code, f'url = "{FRAMES}"' in text_of(bench)) == (0, True), added.err


def test_a_person_without_a_name_is_told_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container runs as a number that no list of users has."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 65532")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert person().partition("@")[0] == str(os.getuid())
    assert new_holder("op-1").startswith(person())


def test_a_camera_is_tried_from_here(run: Run, tmp_path: Path) -> None:  # noqa: F811
    away = run("camera", "test", NOWHERE)
    assert (away.code, len(away.err.splitlines())) == (3, 2), "trying again may help"
    (tried,) = rows(run("camera", "test", FRAMES, "--seconds", "0.5", "-o", "json"))
    assert (tried["width"], tried["height"]) == (640, 480)
    absent = run("camera", "test", FRAMES, "--credentials-file", str(tmp_path / "absent"))
    assert (absent.code, len(absent.err.splitlines())) == (2, 2)
