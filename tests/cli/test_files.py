"""Files that people name, and settings that they write.

If these fail, a wrong file is taken in silently, or a wrong setting is not noticed.
"""

from __future__ import annotations

import os
from pathlib import Path

import onnx
import pytest

from tests.cli.conftest import Run
from tests.cli.running import UNPRIVILEGED, contents, is_error, program
from yolodeploy.ops.home import Home


def not_onnx(path: Path, _model: Path) -> None:
    path.write_text("hello, I am a model\n" * 100)


def empty(path: Path, _model: Path) -> None:
    path.touch()


def truncated(path: Path, model: Path) -> None:
    content = model.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def folder(path: Path, _model: Path) -> None:
    path.mkdir()


def missing(_path: Path, _model: Path) -> None:
    pass


def pipe(path: Path, _model: Path) -> None:
    os.mkfifo(path)


def no_metadata(path: Path, model: Path) -> None:
    loaded = onnx.load(model)
    del loaded.metadata_props[:]
    onnx.save(loaded, path)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [(not_onnx, 1), (empty, 2), (truncated, 1), (folder, 2), (missing, 1), (pipe, 2),
     (no_metadata, 1)],
)  # fmt: skip
def test_what_is_no_model_is_refused(
    spoil: object, code: int, run: Run, home: Home, v1: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a model \x1b[31m.onnx"
    spoil(path, v1)  # type: ignore[operator]
    before = contents(home.root)
    is_error(run("model", "add", str(path)), code)
    assert contents(home.root) == before


def test_a_model_that_may_not_be_read_is_refused(home: Home, v1: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(v1.read_bytes())
    path.chmod(0)
    answer = program("model", "add", str(path), home=home.root, prefix=UNPRIVILEGED)
    is_error(answer, 1)
    assert "Permission denied" in answer.err


def test_a_model_of_any_file_name_gets_a_name(
    run: Run, home: Home, v1: Path, tmp_path: Path
) -> None:
    for name, called in (("Brake Disc (v1).onnx", "brake-disc-v1"), ("模型.onnx", "unnamed")):
        (tmp_path / name).write_bytes(v1.read_bytes())
        answer = run("model", "add", str(tmp_path / name), "-o", "name")
        assert (answer.code, answer.out) == (0, f"{called}\n")


def test_frames_are_a_folder_with_pictures(run: Run, home: Home, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("x")
    (tmp_path / "file.jpg").write_bytes(b"x")
    for frames in ("absent", "nothing", "texts", "file.jpg"):
        is_error(run("app", "create", "a", "--frames", str(tmp_path / frames)), 1)
    is_error(run("quickstart", "--images", "/nowhere"), 1)
    answer = run("quickstart", "--images", str(tmp_path / "texts"))
    assert answer.code == 1
    assert answer.err.endswith(".tiff files\n")
    assert "holds no pictures" in answer.err


@pytest.mark.parametrize(
    "content",
    [b"", b"not json", b"{}", b"[1]", b'[{"kind": "luck"}]', b'[{"kind": "errors", "max": 1}]',
     b'[{"kind": "latency", "quantile": 95}]', b"[" * 100_000, b"\xff\xfe", b'["\xff"]',
     b'[{"kind": "errors", "max_share": NaN}]', b"null"],
    ids=lambda content: ascii(content[:20]),
)  # fmt: skip
def test_a_file_of_gates_must_hold_gates(
    content: bytes, run: Run, filled: Home, tmp_path: Path
) -> None:
    gates = tmp_path / "gates.json"
    gates.write_bytes(content)
    line = ("release", "create", "brake-disc", "--image", "brake-disc-v1", "--gates", str(gates))
    is_error(run(*line), 2)


def test_gates_can_be_taken_from_another_release(run: Run, filled: Home, tmp_path: Path) -> None:
    import json

    shown = json.loads(run("release", "show", "brake-disc@1", "-o", "json").out)
    (tmp_path / "gates.json").write_text(json.dumps(shown["gates"][:2]))
    line = ("release", "create", "brake-disc", "--image", "brake-disc-v1", "-o", "json")
    made = json.loads(run(*line, "--gates", str(tmp_path / "gates.json")).out)
    assert made["gates"] == shown["gates"][:2]
    for place in ("/nowhere.json", str(tmp_path), "/dev/zero"):
        assert run(*line, "--gates", place).code in (1, 2)


def test_a_picture_must_be_readable(run: Run, filled: Home) -> None:
    is_error(run("detect", "/nowhere.jpg"), 1)


# settings -----------------------------------------------------------------------------------------

READS_SETTINGS = ("config show", "config validate", "doctor", "rollout plan brake-disc@1")


@pytest.mark.parametrize(
    ("text", "words"),
    [("concurency = 4\n", "concurrency"), ("langauge = 'zh'\n", "language"),
     ("concurrency = 'many'\n", "1 to 100"), ("concurrency = 0\n", "1 to 100"),
     ("concurrency = true\n", "1 to 100"), ("concurrency = [1]\n", "1 to 100"),
     ("guard_seconds = nan\n", "0.5 to 86400"), ("language = 'fr'\n", "en, zh or auto"),
     ("concurrency = 4\nconcurrency = 5\n", "TOML"), ("= 4\n", "TOML"), ("[a]\nb = 1\n", "unknown"),
     ("language = \"\x1b[31m\"\n", "TOML")],
)  # fmt: skip
def test_a_wrong_configuration_is_told(text: str, words: str, run: Run, filled: Home) -> None:
    config = filled.root / "config.toml"
    config.write_text(text)
    for line in READS_SETTINGS:
        answer = run(*line.split())
        if line == "doctor":  # it finds it, among other things
            assert answer.code == 1
            assert "config.toml" in answer.out
            continue
        is_error(answer, 2)
        assert words in answer.err
        assert "config.toml" in answer.err
    # who only looks is not kept from it
    for line in ("status", "events", "site list"):
        assert run(*line.split()).code == 0
    # and what is wrong is not written over
    is_error(run("config", "set", "concurrency", "3"), 2)
    assert config.read_text() == text


def test_a_configuration_that_is_no_file(run: Run, home: Home) -> None:
    (home.root / "config.toml").mkdir()
    is_error(run("config", "show"), 2)
    (home.root / "config.toml").rmdir()
    (home.root / "config.toml").write_bytes(b"\xff\xfe")
    is_error(run("config", "show"), 2)


@pytest.mark.parametrize(
    ("name", "text"),
    [("CONCURRENCY", "many"), ("CONCURRENCY", "1e1"), ("LANGUAGE", "français"),
     ("GUARD_SECONDS", "inf"), ("REFRESH_SECONDS", "0"), ("LANGUAGE", "\x1b[31m")],
)  # fmt: skip
def test_a_wrong_environment_is_told(
    name: str, text: str, run: Run, filled: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"YOLODEPLOY_{name}", text)
    answer = run("config", "validate")
    is_error(answer, 2)
    assert name.lower() in answer.err
    assert run("status").code == 0


def test_a_setting_is_written_and_found_again(run: Run, home: Home) -> None:
    assert run("config", "set", "concurrency", "7").code == 0
    assert run("config", "set", "language", "zh").code == 0
    shown = run("config", "show", "-o", "jsonl").out
    assert '"concurrency", "value": 7' in shown
    assert (home.root / "config.toml").stat().st_mode & 0o777 == 0o600
    assert run("config", "path").out == f"{home.root}/config.toml\n"


def test_the_xdg_folders_are_used(tmp_path: Path) -> None:
    places = {"YOLODEPLOY_HOME": "", "XDG_CONFIG_HOME": str(tmp_path / "c"),
              "XDG_DATA_HOME": str(tmp_path / "d")}  # fmt: skip
    assert program("config", "path", **places).out == f"{tmp_path}/c/yolodeploy/config.toml\n"
    assert f"{tmp_path}/d/yolodeploy/inventory.db" in program("status", **places).err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["export", "backup"])
@pytest.mark.parametrize("place", ["/proc/x", "/proc/x/y", "/dev/null/x", "{tmp}/file/x"])
def test_a_place_that_cannot_be_written_is_not_the_inventorys_fault(
    command: str, place: str, run: Run, filled: Home, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    named = place.format(tmp=tmp_path)
    answer = run("inventory", command, named)
    is_error(answer, 1)
    assert f"yolodeploy: {named} cannot be made: " in answer.err
    if not place.startswith("/proc"):  # there only trying tells
        assert run("inventory", command, named, "--dry-run") == answer
    assert (tmp_path / "file").read_text() == "mine"


def test_status_says_that_the_settings_cannot_be_read(
    run: Run, filled: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else somebody wonders why what he wrote there is not in force."""
    assert "config.toml" not in run("status").err
    (filled.root / "config.toml").write_text("concurrency = \n")
    monkeypatch.setenv("YOLODEPLOY_LANGUAGE", "zh")
    answer = run("status", "-o", "name")
    assert (answer.code, answer.out.split()) == (0, ["d1", "d2"])
    assert "config.toml 不是有效的 TOML" in answer.err
