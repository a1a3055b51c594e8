"""What a person wants sent where, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from yolodeploy.core.pace import parse_rate
from yolodeploy.oci.registry.reference import Reference, parse_reference
from yolodeploy.ops.settings import settings
from yolodeploy.ops.targets import targets
from yolodeploy.ops.transfers import found_image, target_of

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home

DEVICES_AT_ONCE = 4


class Wish(NamedTuple):
    """What is to be sent where, and how. `limit` is bytes a second for all devices, 0 for none."""

    image: str
    reference: Reference
    words: tuple[str, ...]
    limit: float
    devices_at_once: int
    identity: Path | None

    def arguments(self) -> dict[str, Any]:
        """For the journal."""
        return {
            **self._asdict(),
            "reference": str(self.reference),
            "identity": str(self.identity or ""),
        }

    @staticmethod
    def of(arguments: Mapping[str, Any]) -> Wish:
        """From the journal."""
        return Wish(
            image=str(arguments["image"]),
            reference=parse_reference(str(arguments["reference"])),
            words=tuple(map(str, arguments["words"])),
            limit=float(arguments["limit"]),
            devices_at_once=int(arguments["devices_at_once"]),
            identity=Path(arguments["identity"]) if arguments["identity"] else None,
        )


def wish(
    home: Home,
    image: str,
    words: Sequence[str],
    *,
    name: str = "",
    limit: str = "",
    devices_at_once: int = DEVICES_AT_ONCE,
    identity: Path | None = None,
) -> Wish:
    """What a person asks for, checked as far as that goes without the devices.

    `name` is `HOST/REPOSITORY[:TAG]`, under which a pod will ask for the image: by default the
    setting `registry` (`localhost` where there is none) and the image's name.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_image`.
        UsageError: `send.rate_invalid`, `registry.latest`, those of `parse_reference`.
        Everything of `targets`.
    """
    digest, title = found_image(home, image)
    if not name and not settings()["registry"].value:
        name = f"localhost/{title.rpartition('/')[2].partition(':')[0]}"
    targets(home, words)
    return Wish(
        image=digest,
        reference=target_of(title, digest, name),
        words=tuple(words),
        limit=parse_rate(limit) if limit else 0.0,
        devices_at_once=devices_at_once,
        identity=identity.expanduser().absolute() if identity else None,
    )
