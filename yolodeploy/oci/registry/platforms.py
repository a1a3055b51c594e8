"""Choosing one image of several: which platform is wanted, which manifest is for it."""

from __future__ import annotations

import platform
import re

from yolodeploy.core.errors import NotFound, UsageError
from yolodeploy.oci.manifests import Descriptor, Platform

_PLATFORM = re.compile(r"([a-z0-9]{1,32})/([a-z0-9_]{1,32})(?:/([a-z0-9.]{1,32}))?", re.ASCII)
_MACHINES = {
    "x86_64": ("amd64", ""),
    "aarch64": ("arm64", "v8"),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
}


def this_platform() -> Platform:
    """What this machine runs."""
    return platform_of(platform.machine())


def platform_of(machine: str) -> Platform:
    """What a machine runs of which `uname -m` says that."""
    architecture, variant = _MACHINES.get(machine, (machine, ""))
    return Platform(architecture=architecture, os="linux", variant=variant)


def parse_platform(text: str) -> Platform:
    """A platform such as `linux/arm64` or `linux/arm/v7`.

    Raises:
        UsageError: `registry.platform_invalid`.
    """
    found = _PLATFORM.fullmatch(text)
    if found is None:
        raise UsageError("registry.platform_invalid", platform=text)
    return Platform(os=found[1], architecture=found[2], variant=found[3] or "")


def shown(wanted: Platform) -> str:
    """A platform as people write it."""
    return "/".join(filter(None, (wanted.os, wanted.architecture, wanted.variant)))


def suits(offered: Platform, wanted: Platform) -> bool:
    """Whether what is offered runs there. A variant that one of both leaves open is no obstacle."""
    same = (offered.os, offered.architecture) == (wanted.os, wanted.architecture)
    return same and (not offered.variant or not wanted.variant or offered.variant == wanted.variant)


def chosen(manifests: tuple[Descriptor, ...], wanted: Platform, reference: str) -> Descriptor:
    """The manifest of an index for a platform; one of the very variant comes first.

    Raises:
        NotFound: `registry.no_platform`.
    """
    fitting = [item for item in manifests if item.platform and suits(item.platform, wanted)]
    for item in fitting:
        if item.platform and item.platform.variant == wanted.variant:
            return item
    if fitting:
        return fitting[0]
    offered = ", ".join(sorted({shown(item.platform) for item in manifests if item.platform}))
    raise NotFound(
        "registry.no_platform", reference=reference, platform=shown(wanted), offered=offered or "-"
    )
