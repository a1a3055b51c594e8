"""If these fail, a file that is no model gets into the fleet, or a sound one is refused."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from onnx_samples import facts_of, write_model

from yolodeploy.core.errors import Failed, NotFound, Refused, UsageError, YolodeployError
from yolodeploy.images import intake, server_process
from yolodeploy.images.intake import model_facts
from yolodeploy.images.model_store import store_model


def test_a_sound_model_is_told(model: Path) -> None:
    facts = model_facts(model)
    assert facts == facts_of(model, producer=facts.producer)


def test_what_is_no_model_is_refused_with_a_reason(tmp_path: Path, model: Path) -> None:
    content = model.read_bytes()
    files = {"random": os.urandom(5000), "text": b"hello\n", "half": content[: len(content) // 2]}
    for name, wrong in files.items():
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(wrong)
        with pytest.raises(Failed) as raised:
            model_facts(path)
        assert raised.value.code == "image.model_refused"
        assert raised.value.fields["code"].startswith("model.")
        assert name in str(raised.value)
        assert raised.value.remedy()


def test_paths_that_name_no_file(tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").touch()
    os.mkfifo(tmp_path / "pipe.onnx")
    with (tmp_path / "huge.onnx").open("wb") as file:
        file.truncate(3 << 30)  # sparse
    (tmp_path / "dangling.onnx").symlink_to("nowhere")
    cases: dict[str, tuple[type[YolodeployError], str]] = {
        "absent.onnx": (NotFound, "image.model_absent"),
        "dangling.onnx": (NotFound, "image.model_absent"),
        "empty.onnx/x": (NotFound, "image.model_absent"),
        "a\x00b": (NotFound, "image.model_absent"),
        "": (UsageError, "image.model_not_file"),
        "pipe.onnx": (UsageError, "image.model_not_file"),
        "empty.onnx": (UsageError, "image.model_empty"),
        "huge.onnx": (UsageError, "image.model_too_large"),
        "x" * 300: (Failed, "image.model_unreadable"),
    }
    for name, (kind, code) in cases.items():
        with pytest.raises(kind) as raised:
            model_facts(tmp_path / name if name else tmp_path)
        assert raised.value.code == code, name
        for language in ("en", "zh"):
            assert raised.value.remedy(language)
            assert "<" not in raised.value.text(language)


def test_odd_names_are_taken_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("-c", "a b\nc.onnx", "模型.onnx"):
        path = write_model(Path(name))
        assert model_facts(path).digest == facts_of(path).digest


def test_a_probe_that_hangs_is_stopped(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = Path(sys.executable)
    sleeper = model.parent / "python"
    sleeper.write_text("#!/bin/sh\nexec sleep 60\n")
    sleeper.chmod(0o755)
    monkeypatch.setattr(intake.sys, "executable", str(sleeper))
    started = time.monotonic()
    with pytest.raises(Failed) as raised:
        model_facts(model, timeout_s=0.3)
    assert raised.value.code == "image.probe_timeout"
    assert time.monotonic() - started < 30
    assert python.exists()


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("kill -SEGV $$", "image.probe_crashed"),
        ("exit 3", "image.probe_crashed"),
        ("echo '{}'", "image.probe_answer"),
        ("echo nonsense", "image.probe_answer"),
        ("sleep 0.5; head -c 100000000 /dev/zero", "image.probe_crashed"),
        ("echo \"ModuleNotFoundError: No module named 'cv2'\" >&2; exit 1", "image.needs_serve"),
        ("echo '{\"code\":\"model.x\",\"text\":\"t\"}' >&2; echo noise >&2; exit 1",
         "image.model_refused"),
    ],
)  # fmt: skip
def test_probes_that_break(
    script: str, code: str, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = model.parent / "python"
    python.write_text(f"#!/bin/bash\n{script}\n")
    python.chmod(0o755)
    monkeypatch.setattr(intake.sys, "executable", str(python))
    with pytest.raises(YolodeployError) as raised:
        model_facts(model)
    assert raised.value.code == code
    assert str(raised.value)


def test_without_the_serve_extra_its_name_is_told(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_process, "NEEDED", ("numpy", "surely_not_installed"))
    with pytest.raises(Refused) as raised:
        model_facts(model)
    assert raised.value.code == "image.needs_serve"
    assert raised.value.remedy() == "pip install 'yolodeploy[serve]'"


def test_a_model_is_stored_once_and_mended(tmp_path: Path, model: Path) -> None:
    facts = facts_of(model)
    folder = tmp_path / "home" / "models"
    place = store_model(folder, model, facts)
    assert place.name == f"{facts.digest[7:]}.onnx"
    before = place.stat().st_mtime_ns
    assert store_model(folder, model, facts) == place
    assert place.stat().st_mtime_ns == before
    place.write_bytes(b"damaged")
    assert store_model(folder, model, facts).read_bytes() == model.read_bytes()
    assert [path.name for path in folder.iterdir() if path.is_file()] == [place.name]


def test_a_model_that_changed_is_not_stored(tmp_path: Path, model: Path) -> None:
    facts = facts_of(model)
    write_model(model, 0.1)
    with pytest.raises(Failed) as raised:
        store_model(tmp_path / "models", model, facts)
    assert raised.value.code == "image.model_changed"
    assert not list((tmp_path / "models").glob("*.onnx"))


def test_models_and_images_load_nothing_heavy() -> None:
    """Intake and build run in the light install."""
    script = (
        "import sys; from yolodeploy.images import build, intake, model_store\n"
        "heavy = {'numpy', 'onnxruntime', 'cv2', 'yolodeploy.serve'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    root = str(Path(__file__).parents[2])
    subprocess.run(
        [sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONPATH": root}
    )
