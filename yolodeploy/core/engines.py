"""TensorRT engines: what one is bound to, which fits where, and which are kept.

A serialized engine is code to TensorRT. So it is named by the digests of its files, and nothing
here trusts a name, a size or a figure that somebody else told (`checked`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.digests import digest_of
from yolodeploy.core.release import ReleaseSpec

CACHE_FOLDER = "/var/cache/yolodeploy"
"""Where a server on a cluster keeps engines: `k3s/serve/engines/patch.yaml` mounts a volume."""

PIECE = 512 << 10
"""What is asked for, or brought, in one request: proxies before API servers stop at 1 MB."""

LARGEST_FILE = 2 << 30
MOST_FILES = 16
MOST_RELEASES = 8
MOST_OTHERS_BYTES = 1 << 30
"""What engines that nobody needs may take: a quarter of the claim."""

_KEY = re.compile(r"[0-9a-f]{24}", re.ASCII)
# as ONNX Runtime names them: TensorrtExecutionProvider_…_sm89.engine, with the graph's own name in
# it, and .profile where sizes differ; its timing cache is of use to a build alone
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}\.(?:engine|profile)", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)

Way = Literal["", "there", "brought", "built-before", "in-outage"]


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A GPU as an engine cares for it; `compute_capability` as `8.9`. Empty: nobody knows."""

    gpu: str = ""
    compute_capability: str = ""
    driver: str = ""

    @property
    def known(self) -> bool:
        """Whether an engine can be chosen for it."""
        return bool(self.gpu and self.compute_capability and self.driver)

    def same(self, other: Device) -> bool:
        """Whether engines of one run on the other. Labels have no spaces in a GPU's name."""
        mine = (labelled(self.gpu), self.compute_capability, self.driver)
        theirs = (labelled(other.gpu), other.compute_capability, other.driver)
        return self.known and mine == theirs


class Software(msgspec.Struct, frozen=True, kw_only=True):
    """Versions in an image: of TensorRT, and of the ONNX Runtime that names an engine's files."""

    tensorrt: str = ""
    onnxruntime: str = ""


class EngineFor(msgspec.Struct, frozen=True, kw_only=True):
    """All that an engine is bound to.

    `workspace_mb` is what it was allowed to use while it was built, and uses when it runs (0: no
    limit).
    """

    device: Device
    software: Software
    model: str
    precision: str
    batch: int = 1
    workspace_mb: int = 0

    @property
    def key(self) -> str:
        """It as one short name. Of the GPU the name and not the uuid: twins can share an engine."""
        bound = [
            self.device.gpu,
            self.device.compute_capability,
            self.device.driver,
            self.software.tensorrt,
            self.software.onnxruntime,
            self.model,
            self.precision,
            str(self.batch),
            str(self.workspace_mb),
        ]
        return digest_of("\n".join(bound).encode()).partition(":")[2][:24]

    def serves(self, spec: ReleaseSpec) -> bool:
        """Whether servers of a release would ask for it, on such a device with such software."""
        serving = spec.serving
        # without a word it is what the model is: quantised or not, and never the other
        precisions = (serving.precision,) if serving.precision else ("f32", "int8")
        return (
            serving.engine == "tensorrt"
            and self.model == spec.model
            and self.precision in precisions
            and self.batch == (serving.batch or 1)
            and self.workspace_mb == workspace_mb(spec.resources.vram_mb)
        )


class EngineFile(msgspec.Struct, frozen=True):
    """One file of an engine."""

    name: str
    size_bytes: int
    digest: str


class KeptEngine(msgspec.Struct, frozen=True, kw_only=True):
    """An engine that is finished.

    `build_s` is how long it took to build, `releases` are the digests of those that have used it,
    the last first, `used_at` is when a server last opened it (Unix seconds, by its device's clock).
    """

    built_for: EngineFor
    files: tuple[EngineFile, ...]
    build_s: float = 0.0
    releases: tuple[str, ...] = ()
    used_at: float = 0.0

    @property
    def key(self) -> str:
        """As which folder it lies."""
        return self.built_for.key

    @property
    def size_bytes(self) -> int:
        """All its files."""
        return sum(file.size_bytes for file in self.files)


class EnginesTold(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `GET /engines`: what a server's engine is built for, and which are kept there.

    `built_for` is None where it serves by something else, or has not begun yet.
    """

    built_for: EngineFor | None = None
    kept: tuple[KeptEngine, ...] = ()


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What a keeper may take in: these engines and no others. Engines of `models` are needed."""

    engines: tuple[KeptEngine, ...] = ()
    models: tuple[str, ...] = ()


class KeeperTold(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a keeper: the versions in its image, what it has, and how much of what comes.

    `coming` has the bytes that are there of each file, as `KEY/NAME`.
    """

    software: Software
    kept: tuple[KeptEngine, ...] = ()
    coming: dict[str, int] = {}


class Taken(msgspec.Struct, frozen=True):
    """A keeper's answer to a piece: how much is there, or why nothing can be added."""

    there: int = 0
    reason: str = ""


def workspace_mb(vram_mb: int) -> int:
    """Half of what the process may take: weights and activations come on top."""
    return vram_mb // 2


def labelled(gpu: str) -> str:
    """A GPU's name as gpu-feature-discovery writes it; one that pods share ends in `-SHARED`."""
    name = re.sub(r"[^A-Za-z0-9_. -]", "", gpu).strip().replace(" ", "-")
    return name.removesuffix("-SHARED")


def device_of_labels(labels: dict[str, str]) -> Device:
    """What gpu-feature-discovery says of a node's GPUs."""
    told = {key.removeprefix("nvidia.com/"): value for key, value in labels.items()}
    driver = told.get("cuda.driver-version.full", "")
    if not driver:
        parts = [told.get(f"cuda.driver.{name}", "") for name in ("major", "minor", "rev")]
        driver = ".".join(part for part in parts if part)
    major, minor = told.get("gpu.compute.major", ""), told.get("gpu.compute.minor", "")
    return Device(
        gpu=told.get("gpu.product", "").removesuffix("-SHARED"),
        compute_capability=f"{major}.{minor}" if major and minor else "",
        driver=driver,
    )


def suiting(
    kept: Iterable[KeptEngine], spec: ReleaseSpec, device: Device, software: Software | None = None
) -> KeptEngine | None:
    """The engine of a release for a device.

    `software` None: nobody knows the image's yet. Then it must be one that this very release has
    used.
    """
    for engine in kept:
        bound = engine.built_for
        right = spec.digest in engine.releases if software is None else bound.software == software
        if right and bound.serves(spec) and bound.device.same(device):
            return engine
    return None


def expected_build_s(kept: Iterable[KeptEngine], spec: ReleaseSpec, device: Device) -> float:
    """How long it took elsewhere; 0 where nobody knows. The same GPU says more than another."""
    found = [
        (engine.built_for.device.same(device), engine.build_s)
        for engine in kept
        if engine.build_s > 0 and engine.built_for.model == spec.model
    ]
    return max(found)[1] if found else 0.0


def surplus(kept: Sequence[KeptEngine], models: Collection[str], most_bytes: int) -> list[str]:
    """The keys of what goes, the longest unused first: all but `most_bytes` of what nobody needs.

    Engines of `models` are needed, those of the releases that serve or may be gone back to.
    """
    others = sorted(
        (engine for engine in kept if engine.built_for.model not in models),
        key=lambda engine: (engine.used_at, engine.key),
    )
    total, gone = sum(engine.size_bytes for engine in others), []
    for engine in others:
        if total <= most_bytes:
            break
        total -= engine.size_bytes
        gone.append(engine.key)
    return gone


def is_key(name: str) -> bool:
    """Whether it is an engine's key."""
    return bool(_KEY.fullmatch(name))


def is_file(name: str) -> bool:
    """Whether a file of an engine may be called so."""
    return ".." not in name and bool(_FILE.fullmatch(name))


def checked(kept: Iterable[KeptEngine]) -> tuple[KeptEngine, ...]:
    """Those of what somebody told that can be engines."""
    return tuple(engine for engine in kept if _is_sane(engine))


def _is_sane(engine: KeptEngine) -> bool:
    names = [file.name for file in engine.files]
    return (
        0 < len(names) <= MOST_FILES
        and len(set(names)) == len(names)
        and any(name.endswith(".engine") for name in names)
        and all(
            is_file(file.name)
            and 0 < file.size_bytes <= LARGEST_FILE
            and _DIGEST.fullmatch(file.digest)
            for file in engine.files
        )
        and len(engine.releases) <= MOST_RELEASES
        and math.isfinite(engine.build_s)
        and 0 <= engine.build_s < 86400
        and math.isfinite(engine.used_at)
    )


known(EnginesTold, Offer, KeeperTold, KeptEngine, Taken)
