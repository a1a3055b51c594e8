"""The sample models are what their card says: a newcomer's first impression rests on them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from yolodeploy.images.intake import model_facts

LARGEST = 3_000_000  # bytes, each; they are committed


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_sample_model_is_accepted_as_it_is(example: Path, version: int) -> None:
    path = example / "models" / f"brake-disc-v{version}.onnx"
    facts = model_facts(path)
    assert (facts.task, facts.classes) == ("detect", ("crack", "pit"))
    assert "AGPL-3.0" in facts.license
    assert path.stat().st_size <= LARGEST


def test_every_frame_has_labels_and_none_is_large(example: Path) -> None:
    frames = sorted((example / "frames").glob("*.jpg"))
    assert len(frames) == 36
    assert all(frame.with_suffix(".txt").exists() for frame in frames)
    assert sum(frame.stat().st_size for frame in frames) <= LARGEST


def test_the_card_states_the_figures_that_training_printed(example: Path) -> None:
    metrics = json.loads((example / "models" / "metrics.json").read_text())
    card = (example / "MODEL_CARD.md").read_text()
    for version in metrics["models"].values():
        assert f"{version['held_out']['map50']:.3f}" in card


@pytest.mark.train
@pytest.mark.timeout(600)
def test_training_runs_again_with_the_documented_command(example: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("ultralytics") is None:
        pytest.skip("needs ultralytics and torch: see examples/brake_disc/README.md")
    command = [sys.executable, example / "train.py", "--quick", "--out", tmp_path]
    subprocess.run(command, check=True, cwd=example)
    assert sorted(path.name for path in tmp_path.rglob("*.onnx")) == [
        f"brake-disc-v{version}.onnx" for version in (1, 2, 3)
    ]
