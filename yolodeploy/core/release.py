"""Releases, and the models and images they are made of."""

from __future__ import annotations

from typing import Literal

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.digests import digest_of
from yolodeploy.core.gates import DEFAULT_GATES, Gate


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a model from its metadata and one probe.

    `height` and `width` are those of the network's input in pixels; `classes` are in class-id
    order; `digest` and `size_bytes` are the ONNX file's.
    """

    digest: str
    size_bytes: int
    task: str
    classes: tuple[str, ...]
    height: int
    width: int
    stride: int
    opset: int
    producer: str = ""
    license: str = ""


EngineName = Literal["onnxruntime", "openvino", "cuda", "tensorrt"]
Precision = Literal["f32", "bf16", "f16", "int8"]


class Serving(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the server treats requests.

    `conf` and `iou` are 0 to 1; `max_det` is boxes per picture; `threads` is 0 for what the
    machine or the cgroup allows.

    What is UNSET is not part of a release's digest, and means: ONNX Runtime on the CPU in f32, no
    `fallback` to it from another engine, that engine's results must agree with it
    (`accept_difference`), one picture at a time (`batch` > 1 only on a GPU, each picture waiting at
    most `batch_wait_ms` for others), pictures decoded in full, 30 s for a request (`deadline_ms`).
    """

    conf: float = 0.25
    iou: float = 0.7
    max_det: int = 300
    threads: int = 0
    engine: EngineName | msgspec.UnsetType = msgspec.UNSET
    precision: Precision | msgspec.UnsetType = msgspec.UNSET
    fallback: bool | msgspec.UnsetType = msgspec.UNSET
    accept_difference: bool | msgspec.UnsetType = msgspec.UNSET
    batch: int | msgspec.UnsetType = msgspec.UNSET
    batch_wait_ms: float | msgspec.UnsetType = msgspec.UNSET
    scaled_decode: bool | msgspec.UnsetType = msgspec.UNSET
    deadline_ms: float | msgspec.UnsetType = msgspec.UNSET


class Resources(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one instance may take.

    `gpus` are whole ones or shares of them, as the device shares them; with `mig` instances of that
    profile (`1g.10gb`), for clusters that tell sizes of instances apart.
    """

    cpu_millis: int = 1000
    memory_mb: int = 512
    gpus: int = 0
    vram_mb: int = 0
    mig: str | msgspec.UnsetType = msgspec.UNSET

    @property
    def gpu_resource(self) -> str:
        """What Kubernetes calls a GPU of the kind that is asked for."""
        return f"nvidia.com/mig-{self.mig}" if self.mig else "nvidia.com/gpu"


class ReleaseSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that makes a release what it is; its digest is the release's identity.

    `image` is the digest of the image's manifest, `model` that of the model inside it. A field
    added later must default to `msgspec.UNSET`, which is not encoded: the digests of releases that
    exist must never change.
    """

    app: str
    image: str
    model: str
    classes: tuple[str, ...] = ()
    serving: Serving = Serving()
    resources: Resources = Resources()
    gates: tuple[Gate, ...] = DEFAULT_GATES

    @property
    def digest(self) -> str:
        """The release's identity: the digest of its canonical JSON."""
        # converted: 1 and 1.0 are the same figure, and JSON reads both as the latter
        canonical = msgspec.convert(msgspec.to_builtins(self), ReleaseSpec)
        return digest_of(msgspec.json.encode(canonical, order="sorted"))


class Release(msgspec.Struct, frozen=True):
    """A specification with the number people call it by (`brake-disc@7`)."""

    number: int
    spec: ReleaseSpec

    @property
    def alias(self) -> str:
        """`brake-disc@7`."""
        return f"{self.spec.app}@{self.number}"

    @property
    def digest(self) -> str:
        """The identity."""
        return self.spec.digest


known(Release, ModelFacts)
