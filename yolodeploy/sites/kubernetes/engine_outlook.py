"""What is known of an engine before anything is done: for which GPUs, from whom, and why not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from yolodeploy.core.capacity import Switching
from yolodeploy.core.engines import (
    Device,
    KeeperTold,
    KeptEngine,
    Way,
    device_of_labels,
    expected_build_s,
)
from yolodeploy.core.release import ReleaseSpec
from yolodeploy.core.sentences import Sentence, sentence
from yolodeploy.sites.engine_sources import Source
from yolodeploy.sites.kubernetes import room
from yolodeploy.sites.kubernetes.engine_offers import Told
from yolodeploy.sites.kubernetes.objects import Node


class Outlook(NamedTuple):
    """How a release would come by its engine; `build_s` of building are left to its start."""

    way: Way
    told: Sentence
    build_s: float = 0.0


def devices_of(nodes: Iterable[Node], told: Sequence[Told]) -> tuple[list[Device], list[str]]:
    """The kinds of GPU of some nodes, and the nodes whose kind nobody knows.

    What a server says of its own GPU is more than a label.
    """
    said = {one.pod.spec.node_name: one.device for one in told if one.device.known}
    found: list[Device] = []
    unknown = []
    for node in nodes:
        name = node.metadata.name
        device = said.get(name) or device_of_labels(node.metadata.labels or {})
        if not device.known:
            unknown.append(name)
        elif not any(device.same(other) for other in found):
            found.append(device)
    return found, unknown


def serving(offers: Iterable[Source], spec: ReleaseSpec) -> list[Source]:
    """Those that servers of a release would ask for, each once."""
    found: dict[str, Source] = {}
    for offer in offers:
        if offer.engine.built_for.serves(spec):
            found.setdefault(offer.engine.key, offer)
    return list(found.values())


def for_any_of(devices: Sequence[Device], offers: Iterable[Source]) -> list[Source]:
    """Those that run on one of some GPUs."""
    return [
        offer
        for offer in offers
        if any(offer.engine.built_for.device.same(device) for device in devices)
    ]


def at_start(
    spec: ReleaseSpec, kept: Sequence[KeptEngine], devices: Sequence[Device], why: Sentence
) -> Outlook:
    """That the new pod builds it, with the time that this takes."""
    measured = max((expected_build_s(kept, spec, device) for device in devices), default=0.0)
    seconds = measured or room.BUILD_S
    told = sentence(
        "engine.at_start_measured" if measured else "engine.at_start_guessed",
        seconds=f"{seconds:.0f}",
        reason=why,
    )
    return Outlook("in-outage", told, seconds)


def why_none(
    spec: ReleaseSpec, device: Device, offers: Sequence[KeptEngine], now: KeeperTold | None = None
) -> Sentence:
    """Why none of what is offered will do."""
    same = [one.built_for for one in offers if one.built_for.device.same(device)]
    if not same:
        return sentence("engine.nobody_has", gpu=device.gpu, driver=device.driver)
    versions = ", ".join(sorted({one.software.tensorrt for one in same}))
    if now is None:
        return sentence("engine.perhaps_not", versions=versions)
    here, unknown = now.software, sentence("engine.version_unknown")
    return sentence(
        "engine.other_versions",
        tensorrt=here.tensorrt or unknown,
        onnxruntime=here.onnxruntime or unknown,
        versions=versions,
    )


def why_unknown(nodes: Sequence[str]) -> Sentence:
    """Why nobody can choose an engine for some nodes."""
    if not nodes:
        return sentence("engine.no_node")
    return sentence("engine.no_labels", nodes=", ".join(nodes[:3]))


def has_free_gpu(spec: ReleaseSpec, way: Switching) -> bool:
    """Whether one more pod of a release finds its GPU."""
    return bool(spec.resources.gpus) and way.strategy == "rolling" and not way.blocked


def hostname(node: Node) -> str:
    """What a pod asks for that shall run on a node."""
    return (node.metadata.labels or {}).get("kubernetes.io/hostname", node.metadata.name)
