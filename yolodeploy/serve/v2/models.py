"""The two models that a server shows: pictures to detections, and the network itself.

Both work in a worker, the taking apart of the request included: 20 MB of JSON take a second, in
which the event loop would answer nobody.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from yolodeploy.core.errors import UsageError
from yolodeploy.serve.pipeline import Asked, durations_us
from yolodeploy.serve.question import wanted_of
from yolodeploy.serve.v2.messages import BINARY_OUTPUT, ModelMetadata, TensorMetadata
from yolodeploy.serve.v2.tensors import (
    DATATYPES,
    Encoded,
    blob_of,
    encoded,
    invalid,
    only_input,
    picture_of,
    sent,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from yolodeploy.core.release import ModelFacts, Serving
    from yolodeploy.core.serving import DetectResponse
    from yolodeploy.serve.engines.engine import Port
    from yolodeploy.serve.model import Network
    from yolodeploy.serve.pipeline import Pipeline
    from yolodeploy.serve.v2.messages import InferRequest, InputTensor

    Tensor = np.ndarray[Any, Any]

VERSION = "1"  # of whatever release runs: the protocol's versions are numbers, ours are digests
PLATFORM = "yolodeploy"
IMAGE = "image"
PARAMETERS = ("conf", "iou", "max_det", "classes")
_FLAT = ("boxes", "scores", "class_ids")
_OUTPUTS: dict[str, tuple[str, ...]] = {
    "classify": ("scores", "class_ids"),
    "obb": (*_FLAT, "rotated"),
    "pose": (*_FLAT, "keypoints"),
}


class Call(NamedTuple):
    """A request as it came, with the id it has in the log; `at_ns` as in `Asked`."""

    body: bytes
    json_length: str
    request_id: str
    at_ns: int


class Inferred(NamedTuple):
    """An answer, and how long each stage took in µs."""

    encoded: Encoded
    stages_us: dict[str, float]


class PictureModel:
    """One encoded picture in, what was seen in it out: boxes in pixels of the picture."""

    def __init__(self, name: str, facts: ModelFacts, serving: Serving) -> None:
        self.name = name
        self._facts = facts
        self._serving = serving

    def metadata(self) -> ModelMetadata:
        """What it takes and gives."""
        shapes = {
            "boxes": ("FP32", (-1, 4)),
            "scores": ("FP32", (-1,)),
            "class_ids": ("INT64", (-1,)),
            "rotated": ("FP32", (-1, 5)),
            "keypoints": ("FP32", (-1, -1, -1)),
        }
        return ModelMetadata(
            self.name,
            (VERSION,),
            PLATFORM,
            (TensorMetadata(IMAGE, "BYTES", (1,)),),
            tuple(TensorMetadata(name, *shapes[name]) for name in self._outputs),
        )

    @property
    def _outputs(self) -> tuple[str, ...]:
        return _OUTPUTS.get(self._facts.task, _FLAT)

    def inferred(self, call: Call, pipeline: Pipeline, *, alone: bool) -> Inferred:
        """Answer; in a worker.

        Raises:
            UsageError: `serve.infer_invalid`, `serve.parameter_*`.
            Failed: `serve.*`.
        """
        began_ns = perf_counter_ns()
        request, tail = sent(call.body, call.json_length, elements=0)
        wanted = wanted_of(_parameters(request, PARAMETERS), self._serving, self._facts.classes)
        picture = picture_of(only_input(request, IMAGE, "BYTES"), tail)
        asked = Asked(picture, wanted, call.request_id, call.at_ns)
        answer, stages_us = pipeline.response(asked, began_ns, alone=alone)
        tensors = {name: _TENSORS[name](answer) for name in self._outputs}
        return Inferred(encoded(request, self.name, VERSION, tensors), stages_us)


class NetworkModel:
    """The network's own input, its own outputs out."""

    def __init__(self, name: str, facts: ModelFacts, network: Network) -> None:
        self.name = name
        self._facts = facts
        self._network = network

    def metadata(self) -> ModelMetadata:
        """What it takes and gives."""
        given = self._network.given
        side = (-1, -1) if self._network.any_size else (self._facts.height, self._facts.width)
        taken = TensorMetadata(given.name, DATATYPES[given.dtype], (1, 3, *side))
        outputs = tuple(map(_told, self._network.outputs))
        return ModelMetadata(self.name, (VERSION,), PLATFORM, (taken,), outputs)

    def inferred(self, call: Call, pipeline: Pipeline, *, alone: bool) -> Inferred:
        """Answer; in a worker.

        Raises:
            UsageError: `serve.infer_invalid`, `serve.parameter_unknown`.
            Failed: `serve.engine`.
        """
        began_ns = perf_counter_ns()
        given, facts = self._network.given, self._facts
        elements = 3 * facts.height * facts.width
        request, tail = sent(call.body, call.json_length, elements)
        _parameters(request, ())
        one = only_input(request, given.name, DATATYPES[given.dtype])
        self._demand_shape(one)
        blob = blob_of(one, tail, np.dtype(given.dtype))
        read_ns = perf_counter_ns()
        outputs = pipeline.network(blob, alone=alone)
        inferred_ns = perf_counter_ns()
        names = [port.name for port in self._network.outputs]
        answer = encoded(request, self.name, VERSION, dict(zip(names, outputs, strict=True)))
        # nothing is prepared: reading is all that is decoding here
        marks = [call.at_ns, began_ns, read_ns, read_ns, inferred_ns, perf_counter_ns()]
        return Inferred(answer, durations_us(marks))

    def _demand_shape(self, given: InputTensor) -> None:
        facts = self._facts
        fits = len(given.shape) == 4 and given.shape[:2] == (1, 3)
        if fits and self._network.any_size:
            sides = given.shape[2:], (facts.height, facts.width)
            fits = all(
                0 < side <= most and side % facts.stride == 0
                for side, most in zip(*sides, strict=True)
            )
        elif fits:
            fits = given.shape[2:] == (facts.height, facts.width)
        if not fits:
            shape = [1, 3, facts.height, facts.width]
            most = " at most" if self._network.any_size else ""
            raise invalid(f"the shape of {given.name} is{most} {shape}, not {list(given.shape)}")


def _parameters(request: InferRequest, known: Sequence[str]) -> list[tuple[str, str]]:
    """Those that say what is wanted, as a query would."""
    given: Mapping[str, object] = request.parameters or {}
    for name in given:
        if name not in known and name != BINARY_OUTPUT:
            raise UsageError(
                "serve.parameter_unknown", name=name, known=", ".join((*known, BINARY_OUTPUT))
            )
    return [(name, str(value)) for name, value in given.items() if name != BINARY_OUTPUT]


def _told(port: Port) -> TensorMetadata:
    shape = tuple(axis if isinstance(axis, int) else -1 for axis in port.shape)
    return TensorMetadata(port.name, DATATYPES.get(port.dtype, port.dtype), shape)


def _boxes(answer: DetectResponse) -> Tensor:
    rows = [(box.x1, box.y1, box.x2, box.y2) for box in answer.boxes]
    return np.array(rows, np.float32).reshape(-1, 4)


def _scores(answer: DetectResponse) -> Tensor:
    return np.array([one.score for one in answer.probabilities or answer.boxes], np.float32)


def _class_ids(answer: DetectResponse) -> Tensor:
    return np.array([one.class_id for one in answer.probabilities or answer.boxes], np.int64)


def _rotated(answer: DetectResponse) -> Tensor:
    """Centre, sides and angle of each: the order of ultralytics' `xywhr`."""
    turned = [box.rotated for box in answer.boxes if box.rotated is not None]
    rows = [(one.cx, one.cy, one.w, one.h, one.angle) for one in turned]
    return np.array(rows, np.float32).reshape(-1, 5)


def _keypoints(answer: DetectResponse) -> Tensor:
    points = [box.keypoints for box in answer.boxes]
    return np.array(points, np.float32) if points else np.empty((0, 0, 3), np.float32)


_TENSORS = {
    "boxes": _boxes,
    "scores": _scores,
    "class_ids": _class_ids,
    "rotated": _rotated,
    "keypoints": _keypoints,
}
