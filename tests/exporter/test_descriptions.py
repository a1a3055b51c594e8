"""If these fail, a checkpoint's description of its network is run as a program.

ultralytics evaluates the activation, and takes any name of its module for a layer.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.exporter.architecture import LAYERS, checked
from yolodeploy.exporter.errors import Refused
from yolodeploy.exporter.sizes import LARGEST_SIDE, input_size

SOUND: dict[str, Any] = {
    "nc": 3,
    "scales": {"n": [0.33, 0.25, 1024]},
    "scale": "n",
    "kpt_shape": [4, 3],
    "activation": "nn.LeakyReLU(0.1)",
    "backbone": [[-1, 1, "Conv", [64, 3, 2]], [-1, 3, "C2f", [128, True]]],
    "head": [[[0, 1], 1, "Concat", [1]], [[1, 2], 1, "Detect", ["nc"]]],
}


def test_a_sound_description_stays_as_it_is_and_the_rest_is_left_out() -> None:
    assert checked({**SOUND, "yaml_file": "/home/somebody/x.yaml", "date": object()}) == SOUND


@pytest.mark.parametrize(
    "activation",
    [
        "__import__('os').system('touch x')",
        "nn.SiLU() if not __import__('os').system('touch x') else 1",
        "nn.SiLU(inplace=__import__('os').system('touch x'))",
        "nn.SiLU()\n__import__('os')",
        "torch.hub.load('a', 'b')",
        "nn.Module()",
        "nn.modules.module.torch.os.system('x')",
        7,
    ],
)
def test_an_activation_is_one_of_a_table(activation: object) -> None:
    with pytest.raises(Refused) as raised:
        checked({**SOUND, "activation": activation})
    assert raised.value.fields["field"] == "activation"


@pytest.mark.parametrize(
    "layer",
    ["torch_safe_load", "load_checkpoint", "TorchVision", "nn.Module", "torchvision.ops.nms",
     "__builtins__", "yaml_model_load", "nn.modules.module.torch.hub.load", "", "conv"],
)  # fmt: skip
def test_a_layer_is_one_of_a_table(layer: str) -> None:
    assert layer not in LAYERS
    with pytest.raises(Refused) as raised:
        checked({**SOUND, "backbone": [[-1, 1, layer, ["/etc/passwd"]]]})
    assert raised.value.code == "export.unknown_layer"


@pytest.mark.parametrize(
    "changed",
    [
        {"backbone": None},
        {"head": []},
        {"head": [[-1, 1, "Conv"]]},
        {"head": [[-1, 1, "Conv", [1]]] * 501},
        {"head": [[-1, 1, "Conv", ["open('x', 'w')"]]]},
        {"head": [[-1, 1, "Conv", [10**9]]]},
        {"head": [[-1, 1, "Conv", [[[[[[1]]]]]]]]},
        {"head": [[-1, 1, "Conv", [object()]]]},
        {"nc": "3; import os"},
        {"nc": float("nan")},
        {"kpt_shape": object()},
        {"scales": {("a",): [1]}},
        {"channels": 1},
    ],
)
def test_figures_and_words_have_bounds(changed: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        checked({**SOUND, **changed})


def test_what_is_no_description() -> None:
    for value in (None, "yolov8n.yaml", ["backbone"], 1):
        with pytest.raises(Refused):
            checked(value)


@given(
    st.integers(1, LARGEST_SIDE),
    st.tuples(st.integers(1, 99), st.integers(1, 99)),
    st.sampled_from([1, 16, 32, 64]),
)
def test_an_input_is_whole_strides_of_about_that_aspect(
    side: int, aspect: tuple[int, int], stride: int
) -> None:
    height, width = input_size(side, aspect, stride)
    assert height % stride == width % stride == 0
    assert side <= max(height, width) < side + stride
    shorter = side * min(aspect) / max(aspect)
    assert shorter - 1 <= min(height, width) < max(shorter, 1) + stride
    assert (width >= height) if aspect[0] >= aspect[1] else (height >= width)


def test_sixteen_to_nine_at_640_is_what_ultralytics_takes() -> None:
    assert input_size(640, (16, 9), 32) == (384, 640)
    assert input_size(640, (9, 16), 32) == (640, 384)
    assert input_size(224, (1, 1), 1) == (224, 224)
    for side in (8193, 10**6):
        with pytest.raises(Refused):
            input_size(side, (16, 9), 32)
