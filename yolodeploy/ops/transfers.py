"""Actions that move images between the local layout and registries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yolodeploy.core.digests import short
from yolodeploy.core.errors import NotFound, UsageError, YolodeployError
from yolodeploy.inventory.catalog import get_image
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.registry.access import Access
from yolodeploy.oci.registry.platforms import parse_platform
from yolodeploy.oci.registry.pull import Pull, Pulled
from yolodeploy.oci.registry.push import Push, Pushed
from yolodeploy.oci.registry.reference import Reference, parse_reference
from yolodeploy.oci.registry.tally import Tally
from yolodeploy.oci.registry.transfers import Fate, Part, to_move
from yolodeploy.ops.how_far import HowFar
from yolodeploy.ops.journalled import journalled
from yolodeploy.ops.provenance import bring_signatures, push_attachments
from yolodeploy.ops.settings import settings

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.ops.home import Home
    from yolodeploy.ops.operations import Teller


class Watcher:
    """Hears how a transfer goes. This one says nothing; front ends make their own of it."""

    def planned(self, what: str, parts: tuple[Part, ...]) -> None:
        """What will move."""

    def reading(self, what: str, size_bytes: int) -> None:
        """How many bytes will be read where nothing moves."""

    def moved(self, count: int) -> None:
        """How many bytes went over the wire, several times a second."""

    def again(self, error: YolodeployError) -> None:
        """Something failed and is tried again."""


class Journal(HowFar, Watcher):
    """Tells an operation's journal, now and then."""

    def planned(self, what: str, parts: tuple[Part, ...]) -> None:
        """Said at once."""
        self.total = to_move(parts)
        mounted = sum(part.fate is Fate.MOUNT for part in parts)
        present = sum(part.fate is Fate.PRESENT for part in parts)
        self._teller.say(
            "progress.transfer", what=what, bytes=self.total, present=present, mounted=mounted
        )


def push_image(
    home: Home,
    image: str,
    target: str = "",
    *,
    insecure: bool = False,
    ca: Path | None = None,
    sbom: bool = False,
    dry_run: bool = False,
    watcher: Watcher | None = None,
) -> Pushed:
    """Bring an image into a registry as it is in the local layout; again is harmless.

    Its signatures go with it, and with `sbom` its list of parts, which for that is made anew.

    `target` is `HOST/REPOSITORY[:TAG]`: by default the setting `registry` and the image's name. The
    tag is by default the image's version, else the beginning of its digest.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_image`, `oci.blob_missing`.
        UsageError: `registry.no_target`, `registry.latest`, those of `parse_reference`,
            `registry.ca_unreadable`, `registry.docker_config`.
        Everything of `Push.plan` and `Push.run`.
    """
    digest, name = found_image(home, image)
    reference = target_of(name, digest, target)
    if dry_run:
        return _push(home, digest, reference, _access(reference, insecure, ca), (), dry_run=True)
    arguments = _arguments(insecure, ca, sbom=sbom, image=digest, target=str(reference))
    with journalled(home, "push", arguments) as teller:
        watchers = (Journal(teller), watcher or Watcher())
        access = _access(reference, insecure, ca)
        return _push(home, digest, reference, access, watchers, sbom=sbom)


def start_push(
    home: Home,
    image: str,
    target: str = "",
    *,
    insecure: bool = False,
    ca: Path | None = None,
    sbom: bool = False,
) -> str:
    """The same in a process of its own; returns the operation.

    Raises:
        NotFound, UsageError: As `push_image`; the rest is what the operation says.
        Failed: `ops.not_started`.
    """
    from yolodeploy.ops.operations import start

    digest, name = found_image(home, image)
    reference = target_of(name, digest, target)
    arguments = _arguments(insecure, ca, sbom=sbom, image=digest, target=str(reference))
    return start(home, "push", arguments)


def run_push(
    home: Home, _inventory: Inventory, teller: Teller, arguments: Mapping[str, Any]
) -> int:
    """The long action `push`, in the operation's process."""
    reference = parse_reference(str(arguments["target"]))
    ca = Path(arguments["ca"]) if arguments["ca"] else None
    access = _access(reference, bool(arguments["insecure"]), ca)
    image, sbom = str(arguments["image"]), bool(arguments.get("sbom"))
    pushed = _push(home, image, reference, access, (Journal(teller),), sbom=sbom)
    teller.say("progress.transferred", what=reference, moved=pushed.moved_bytes)
    return 0


def pull_image(
    home: Home,
    reference: str,
    *,
    platform: str = "",
    name: str = "",
    insecure: bool = False,
    ca: Path | None = None,
    dry_run: bool = False,
    watcher: Watcher | None = None,
) -> Pulled:
    """Bring an image from a registry into the local layout, where `name` means it then.

    Its signatures come with it.

    Raises:
        UsageError: As `push_image`; `registry.no_tag`, `registry.platform_invalid`,
            `oci.ref_invalid`.
        Everything of `Pull.plan` and `Pull.run`.
    """
    named = parse_reference(reference)
    wanted = parse_platform(platform) if platform else None
    access = _access(named, insecure, ca)
    watchers: tuple[Watcher, ...] = (watcher or Watcher(),)
    if dry_run:
        pull = Pull(Layout(home.layout), named, wanted, access)
        try:
            return pull.plan()
        finally:
            pull.close()
    arguments = _arguments(insecure, ca, reference=reference, platform=platform)
    with journalled(home.create(), "pull", arguments) as teller:
        watchers = (Journal(teller), *watchers)
        tally = _tally(watchers)
        pull = Pull(Layout(home.layout), named, wanted, access, tally=tally)
        try:
            plan = pull.plan()
            _planned(watchers, str(named), plan.parts)
            pulled = pull.run(plan, name)
        finally:
            pull.close()
        bring_signatures(Layout(home.layout), pulled.digest, named, access, tally)
        return pulled


def _push(
    home: Home,
    digest: str,
    reference: Reference,
    access: Access,
    watchers: tuple[Watcher, ...],
    *,
    sbom: bool = False,
    dry_run: bool = False,
) -> Pushed:
    tally = _tally(watchers)
    push = Push(Layout(home.layout), digest, reference, access, tally=tally)
    try:
        plan = push.plan()
        _planned(watchers, str(reference), plan.parts)
        pushed = plan if dry_run else push.run(plan)
    finally:
        push.close()
    further = push_attachments(
        home, digest, reference, access, tally, parts_list=sbom, dry_run=dry_run
    )
    return pushed._replace(parts=(*pushed.parts, *further))


def _tally(watchers: tuple[Watcher, ...]) -> Tally:
    def heard(moved: int, errors: Iterable[YolodeployError]) -> None:
        for watcher in watchers:
            for error in errors:
                watcher.again(error)
            watcher.moved(moved)

    return Tally(heard)


def _planned(watchers: tuple[Watcher, ...], what: str, parts: tuple[Part, ...]) -> None:
    for watcher in watchers:
        watcher.planned(what, parts)


def _arguments(insecure: bool, ca: Path | None, **named: str | bool) -> dict[str, Any]:
    return {**named, "insecure": insecure, "ca": str(ca.expanduser().absolute()) if ca else ""}


def found_image(home: Home, image: str) -> tuple[str, str]:
    """The digest and the name of an image that was built here, or of a base that was pulled.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_image`.
    """
    try:
        with read_inventory(home.inventory) as inventory:
            row = get_image(inventory, image)
            return row.digest, row.name
    except NotFound as error:
        try:
            return Layout(home.layout).find(image).digest, image
        except NotFound:
            raise error from None


def target_of(name: str, digest: str, given: str) -> Reference:
    """What an image is called elsewhere; raises as `push_image`."""
    title, _, version = name.rpartition("/")[2].partition(":")
    prefix = str(settings()["registry"].value)
    if not (given or prefix):
        raise UsageError("registry.no_target", image=title)
    reference = parse_reference(given or f"{prefix.rstrip('/')}/{title}")
    if reference.digest:
        raise UsageError("registry.reference_invalid", reference=given)
    if reference.tag == "latest":
        raise UsageError("registry.latest", reference=reference, name=reference.name)
    return reference._replace(tag=reference.tag or version or short(digest))


def _access(reference: Reference, insecure: bool, ca: Path | None) -> Access:
    """How a person lets us speak to a registry: flags first, then settings."""
    values = settings()
    listed = [host.strip() for host in values["insecure_registries"].value.split(",")]
    named = values["registry_ca"].value
    return Access(
        insecure=insecure or reference.registry in listed,
        ca=(ca.expanduser() if ca else None) or (Path(named).expanduser() if named else None),
    )
