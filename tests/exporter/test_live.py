"""With ultralytics: every family comes out as ultralytics exports it, and nothing hostile runs.

Marker `train`; `YOLODEPLOY_TRAIN_PYTHON` names the Python, as for the oracle.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from tests.exporter.checkpoints import archive, instance, pickled
from tests.exporter.test_hostile_checkpoints import HOSTILE
from yolodeploy.core.errors import Failed, Refused
from yolodeploy.images.exporting import Exporter, ExportWish
from yolodeploy.images.intake import model_facts

pytestmark = [pytest.mark.train, pytest.mark.timeout(3600)]
HERE = Path(__file__).parent
FAMILIES = 28
WISH = ExportWish(side=160, aspect=(16, 9))

# only torch's own loader, without what looks into the file before it
LOADED_ONLY = """
import sys
sys.path.append(sys.argv[1])
from pathlib import Path
from exporter.errors import Refused
from exporter.loading import loaded
names = frozenset(sys.argv[3:])
try:
    loaded(Path(sys.argv[2]), names)
except Refused as error:
    print(error.code)
"""


@pytest.fixture(scope="module")
def python() -> str:
    found = os.environ.get("YOLODEPLOY_TRAIN_PYTHON")
    if not found:
        pytest.skip("YOLODEPLOY_TRAIN_PYTHON names no Python that has ultralytics")
    return found


@pytest.fixture(scope="module")
def families(python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("families")
    subprocess.run([python, str(HERE / "families.py"), str(folder)], check=True)
    return folder


def _outputs(path: Path) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(path)
    given = session.get_inputs()[0]
    blob = np.random.default_rng(0).random([axis if isinstance(axis, int) else 1
                                            for axis in given.shape], np.float32)  # fmt: skip
    return list(session.run(None, {given.name: blob}))


def _told(path: Path) -> dict[str, str]:
    told = {one.key: one.value for one in onnx.load(path).metadata_props}
    # where it was trained, when and what it was called are no part of a model
    return {key: told[key] for key in told.keys() - {"date", "description"}}


def test_every_family_comes_out_as_ultralytics_exports_it(
    families: Path, python: str, tmp_path: Path
) -> None:
    cases = sorted(families.glob("*.pt"))
    assert len(cases) == FAMILIES
    for path in cases:
        made = Exporter(python, tmp_path).export(path, WISH)
        theirs = path.with_suffix(".onnx")
        assert _told(made) == _told(theirs), path.stem
        for ours, other in zip(_outputs(made), _outputs(theirs), strict=True):
            np.testing.assert_allclose(ours, other, rtol=1e-4, atol=1e-4, err_msg=path.stem)
        assert model_facts(made).task == path.stem.rpartition("-")[2]


def test_the_same_checkpoint_is_the_same_model(families: Path, python: str, tmp_path: Path) -> None:
    digests = set()
    for turn in range(2):
        folder = tmp_path / str(turn)
        folder.mkdir()
        made = Exporter(python, folder).export(families / "v8-detect.pt", WISH)
        digests.add(model_facts(made).digest)
    assert len(digests) == 1


def test_the_forms_that_can_be_asked_for(families: Path, python: str, tmp_path: Path) -> None:
    exporter = Exporter(python, tmp_path)
    path = families / "26-detect.pt"
    gpu = exporter.export(path, WISH._replace(dynamic=True, half=True))
    given = onnxruntime.InferenceSession(gpu).get_inputs()[0]
    assert given.shape == ["batch", 3, 96, 160]
    assert given.type == "tensor(float16)"
    assert (model_facts(gpu).height, model_facts(gpu).width) == (96, 160)
    whole = exporter.export(path, WISH._replace(end_to_end=True))
    assert _outputs(whole)[0].shape[2] == 6
    assert model_facts(whole).task == "detect"
    for wish, name, code in (
        (WISH._replace(end_to_end=True), "v8-detect", "export.not_end_to_end"),
        (WISH._replace(nms=True), "v8-classify", "export.no_boxes"),
        (WISH._replace(nms=True), "rt-detr-detect", "export.no_boxes"),
        (WISH._replace(side=9000), "v8-detect", "export.size"),
    ):
        with pytest.raises(Refused) as raised:
            exporter.export(families / f"{name}.pt", wish)
        assert raised.value.code == code


def test_a_checkpoint_that_is_no_more_what_it_says(
    families: Path, python: str, tmp_path: Path
) -> None:
    """Weights of another network, a stride that the description does not tell, flipped bytes."""
    script = """
import sys, torch
from pathlib import Path
source, target = map(Path, sys.argv[1:])
def changed(name, change):
    content = torch.load(source, weights_only=False)
    change(content["model"])
    torch.save(content, target / name)
changed("stride.pt", lambda m: setattr(m.model[0].conv, "stride", (1, 1)))
changed("activation.pt", lambda m: setattr(m.model[0], "act", torch.nn.ReLU()))
changed("description.pt", lambda m: m.yaml["backbone"][0][3].__setitem__(0, 1024))
changed("eval.pt", lambda m: m.yaml.update(activation="open('it-ran', 'w')"))
changed("layer.pt", lambda m: m.yaml["backbone"][0].__setitem__(2, "torch_safe_load"))
"""
    source = families / "v8-detect.pt"
    subprocess.run([python, "-c", script, str(source), str(tmp_path)], check=True)
    content = bytearray(source.read_bytes())
    content[len(content) // 2] ^= 255
    (tmp_path / "flipped.pt").write_bytes(content)
    for name, code in (
        ("stride", "export.other_network"), ("activation", "export.other_network"),
        ("description", "export.other_network"), ("eval", "export.description"),
        ("layer", "export.unknown_layer"), ("flipped", "export.damaged"),
    ):  # fmt: skip
        with pytest.raises(Refused) as raised:
            Exporter(python, tmp_path).export(tmp_path / f"{name}.pt", WISH)
        assert raised.value.code == code, name


@pytest.mark.parametrize("name", HOSTILE)
def test_torch_alone_runs_nothing_either(name: str, python: str, tmp_path: Path) -> None:
    mark = tmp_path / "it-ran"
    path = archive(tmp_path / "best.pt", HOSTILE[name](mark))
    package = HERE.parents[1] / "yolodeploy"
    ended = subprocess.run(
        [python, "-c", LOADED_ONLY, str(package), str(path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ended.stdout.strip() in {"export.damaged", "export.no_network"}
    assert not mark.exists()


def test_constructors_of_allowed_classes_are_not_called(python: str, tmp_path: Path) -> None:
    """A DetectionModel made from a path would read that file, and from a URL fetch it."""
    body = pickled(("http://127.0.0.1:1/x.yaml",))[2:-1]
    network = b"cultralytics.nn.tasks\nDetectionModel\n" + body + b"R"
    path = archive(tmp_path / "best.pt", b"\x80\x02}X\x05\x00\x00\x00model" + network + b"s.")
    with pytest.raises(Refused) as raised:
        Exporter(python, tmp_path).export(path, WISH)
    assert raised.value.code == "export.description"


def test_states_that_no_network_has(python: str, tmp_path: Path) -> None:
    for number, state in enumerate(
        ({}, {"yaml": {"backbone": [], "head": []}}, {"yaml": {}, "names": 3}, {"_modules": 7})
    ):
        path = tmp_path / f"{number}.pt"
        archive(path, instance("ultralytics.nn.tasks", "DetectionModel", state))
        with pytest.raises((Refused, Failed)) as raised:
            Exporter(python, tmp_path).export(path, WISH)
        assert raised.value.code.startswith("export.")
    archive(path, instance("ultralytics.nn.tasks", "WorldModel", {}))
    with pytest.raises(Refused) as raised:
        Exporter(python, tmp_path).export(path, WISH)
    assert raised.value.code == "export.unknown_network"
