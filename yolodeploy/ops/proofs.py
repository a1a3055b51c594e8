"""That a pod has run to completion on a device, and with what."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from yolodeploy.inventory import devices, events

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory


def proof_of(variables: Mapping[str, Any]) -> str:
    """What a device is proved to run when it is proved: versions, images, the way out."""
    lock = variables["site_lock"]
    what = {
        "k3s": lock["k3s"]["version"],
        "toolkit": lock["nvidia_container_toolkit"]["version"],
        "images": lock["images"],
        "proxy": variables.get("site_proxy", {}),
    }
    return hashlib.sha256(msgspec.json.encode(what, order="deterministic")).hexdigest()[:16]


def prove(
    inventory: Inventory, site: str, name: str, *, at: float | None, proof: str | None = None
) -> None:
    """Remember when a pod last ran to completion on a device; None for not since it changed.

    `proof` is what it ran with, where that may have changed.
    """
    row = devices.get_device(inventory, site, name)
    proof = row.gateway.proof if proof is None else proof
    gateway = row.gateway._replace(proved_at=at, proof=proof)
    devices.set_device_gateway(inventory, site, name, gateway)
    if at is not None:
        events.add_event(inventory, site, "device.proved", at=at, device=name)
