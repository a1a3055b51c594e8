"""If these fail, a script that decides on `model compare` reads something else than people do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from yolodeploy.cli.main import main
from yolodeploy.ops.home import Home


@pytest.fixture
def asked(example: Path, tmp_path: Path) -> list[str]:
    frames = tmp_path / "frames"
    frames.mkdir()
    for path in sorted((example / "frames").glob("*.jpg"))[:4]:
        (frames / path.name).symlink_to(path)
    models = [str(example / "models" / f"brake-disc-v{version}.onnx") for version in (1, 3)]
    return ["model", "compare", *models, "--frames", str(frames)]


def test_every_form_tells_the_same(
    asked: list[str], home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """No inventory is needed for two files, and none is made."""
    assert main([*asked, "-o", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    found = told["comparison"]
    assert (told["model_a"], told["model_b"]) == (asked[2], asked[3])
    assert found["frames"] == 4
    assert found["lost"] == found["agreement"]["expected"] - found["agreement"]["matched"] > 0

    assert main(asked) == 0
    said = capsys.readouterr()
    rows = {line.split()[0]: line.split() for line in said.out.splitlines() if line}
    for one in found["classes"]:
        counts = [one[key] for key in ("expected", "matched", "lost", "gained")]
        assert rows[one["name"]][1:5] == [str(count) for count in counts]
    assert {"queue", "decode", "preprocess", "inference", "postprocess", "total"} <= rows.keys()
    assert "are not near enough" in said.err
    assert all(len(line) <= 80 for line in said.out.splitlines())

    assert main([*asked, "-o", "name"]) == 0
    names = capsys.readouterr().out.split()
    assert names == [one["name"] for one in found["classes"] if one["lost"] or one["gained"]]
    assert not home.inventory.exists()


def test_wishes_that_are_none(asked: list[str], home: Home, tmp_path: Path) -> None:
    assert main([*asked[:2], "nobody", *asked[3:]]) == 1
    assert main([*asked, "--conf", "2"]) == 2
    assert main(asked[:-2]) == 2
    (tmp_path / "empty").mkdir()
    assert main([*asked[:-1], str(tmp_path / "empty")]) == 1


def test_options_of_an_export_are_for_checkpoints(
    asked: list[str], home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    for option in (["--size", "320"], ["--aspect", "4:3"], ["--for", "gpu"], ["--half"], ["--nms"]):
        assert main(["model", "add", asked[2], *option]) == 2
        assert option[0] in capsys.readouterr().err
    assert main(["model", "add", "best.pt", "--aspect", "wide"]) == 2
    assert main(["model", "add", "best.pt", "--nms", "--end-to-end"]) == 2
    assert not home.inventory.exists()
