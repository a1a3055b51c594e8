"""Where instances that run beside the serving release go, and what they see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import UNSET

from yolodeploy.core.beside import Mirror, Way
from yolodeploy.core.capacity import canaries
from yolodeploy.core.site import Intent
from yolodeploy.sites.embedded.reconcile import Place, Seen


def shares_on(devices: int) -> tuple[float, ...]:
    """What canaries on one, two … of so many devices get of the site's traffic, in percent.

    A device's port is shared by the servers that listen there, and the kernel gives each as many
    connections: one of four devices is about an eighth, and more than half cannot be had.
    """
    return tuple(50 * count / devices for count in range(1, devices + 1))


def besides(intent: Intent, devices: Sequence[str]) -> tuple[Place, ...]:
    """The instances that an intent wants beside those of `previous`."""
    if (
        intent.beside is UNSET
        or intent.release is None
        or intent.previous in (None, intent.release)
    ):
        return ()
    way, release = intent.beside.way, intent.release.digest
    if way is Way.CANARY:
        count = canaries(intent.beside.percent, shares_on(len(devices)))
        return tuple(Place(device, release) for device in devices[:count])
    return tuple(Place(device, release, apart=True) for device in devices)


def mirrors(
    intent: Intent | None, seen: Iterable[Seen], urls: Mapping[str, str]
) -> Mapping[str, Mirror | None]:
    """What every instance mirrors, by name: the old ones to the new one of their device.

    `urls` is where instances answer; who does not answer yet is not mirrored to. No `intent`: it
    was reverted.
    """
    found = tuple(seen)
    if intent is None or intent.beside is UNSET or intent.beside.way is not Way.SHADOW:
        return dict.fromkeys(item.name for item in found)
    share = intent.beside.percent / 100
    shadows = {item.device: urls.get(item.name, "") for item in found if item.apart and item.ready}
    return {
        item.name: Mirror(url, share)
        if not item.apart and (url := shadows.get(item.device, ""))
        else None
        for item in found
    }
