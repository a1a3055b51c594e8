"""What `site provision` needs to know: where parts are, and who is not done with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from yolodeploy.core.errors import NotFound, Refused, UsageError
from yolodeploy.core.k3s_version import Step, parse_version, step
from yolodeploy.ops.opening import present_inventory
from yolodeploy.ops.play_hosts import chosen, site_of_hosts
from yolodeploy.ops.proofs import proof_of
from yolodeploy.ops.site_lock import lock_path
from yolodeploy.ops.site_proxy import site_variables
from yolodeploy.provision.lock import FILE, Lock, read_lock
from yolodeploy.provision.parts import Part, parts_in
from yolodeploy.provision.surroundings import program

if TYPE_CHECKING:
    from yolodeploy.inventory.sites import SiteRow
    from yolodeploy.ops.home import Home

_LOCKS = (FILE, f"lock/{FILE}")  # beside the parts; a bundle has a folder for each role


class Provision(NamedTuple):
    """What `site.yml` is run with, and on which devices; none where every one is done."""

    devices: tuple[str, ...]
    variables: dict[str, Any]


def provision_of(
    home: Home,
    site: str,
    names: Sequence[str],
    bundle: Path | None,
    parts: Path | None,
    *,
    online: bool = False,
    every: bool = False,
    dry_run: bool = False,
) -> Provision:
    """The devices, of all or of some, on which no pod has run with what the lock says now.

    `every` takes all.

    Raises:
        NotFound: `inventory.missing`, `inventory.unknown_site`, `inventory.unknown_device`,
            `play.no_device`.
        Refused: `play.no_ansible`, `play.no_hosts`, `send.held`, `k3s.downgrade`, `k3s.skips`,
            `k3s.in_use`.
        Everything of `parts_of_bundle` and `provision_variables`.
    """
    with present_inventory(home, dry_run=True) as inventory:
        row = site_of_hosts(inventory, site)
        program()  # nobody shall install Ansible to be told that it is of no use there
        wanted = chosen(inventory, site, names)
        proved = [
            one.name for one in chosen(inventory, site, (), held=True) if one.gateway.proved_at
        ]
    if bundle is not None:
        parts = parts_of_bundle(home, bundle, dry_run=dry_run)
    variables, _ = provision_variables(home, parts, online=online)
    refuse_newer(row, str(variables["site_lock"]["k3s"]["version"]), proved)
    proof = proof_of({**site_variables(row), **variables})
    devices = [
        row.name
        for row in wanted
        if every or row.gateway.proved_at is None or row.gateway.proof != proof
    ]
    return Provision(tuple(devices), variables)


def refuse_step(row: SiteRow, locked: str) -> None:
    """Refuse what no k3s goes through: an older version, a skipped minor.

    Raises:
        Refused: `k3s.downgrade`, `k3s.skips`.
    """
    if not row.k3s_version or not locked:
        return
    found = step(parse_version(row.k3s_version), parse_version(locked))
    told = {"site": row.name, "now": row.k3s_version, "then": locked}
    if found is Step.DOWN:
        raise Refused("k3s.downgrade", **told)
    if found is Step.SKIPS:
        raise Refused("k3s.skips", **told)


def refuse_newer(row: SiteRow, locked: str, proved: Sequence[str]) -> None:
    """Refuse another k3s under apps that run: only an upgrade makes room for them first.

    `proved` are the devices on which pods have run.

    Raises:
        Refused: `k3s.in_use`; as `refuse_step`.
    """
    refuse_step(row, locked)
    known = row.k3s_version and locked and proved
    if known and step(parse_version(row.k3s_version), parse_version(locked)) is Step.UP:
        raise Refused(
            "k3s.in_use", site=row.name, now=row.k3s_version, then=locked, device=proved[0]
        )


def replacing_variables(
    home: Home, site: str, device: str, parts: Path | None, *, online: bool = False
) -> dict[str, Any]:
    """The variables with which a device is taken in anew, beside others that stay as they are.

    Raises:
        Refused: `k3s.in_use`; as `refuse_step`.
        Everything of `provision_variables`.
    """
    variables, _ = provision_variables(home, parts, online=online)
    with present_inventory(home, dry_run=True) as inventory:
        row = site_of_hosts(inventory, site)
        others = [one for one in chosen(inventory, site, (), held=True) if one.name != device]
    proved = [one.name for one in others if one.gateway.proved_at]
    refuse_newer(row, str(variables["site_lock"]["k3s"]["version"]), proved)
    variables["replace_devices"] = [device]
    return variables


def parts_of_bundle(home: Home, bundle: Path, *, dry_run: bool = False) -> Path:
    """The folder with the parts of a bundle, which is checked and opened into the home folder.

    A dry run opens none: it looks at what was opened before.

    Raises:
        NotFound: `play.bundle_parts`, it carries none; `play.bundle_closed`, it was not opened yet.
        Everything of `apply_bundle`.
    """
    from yolodeploy.ops.bundle_apply import apply_bundle

    applied = apply_bundle(home, bundle, None, dry_run=dry_run)
    places = {placed.place for placed in applied.parts} - {"layout", "containerd"}
    for place in sorted(places):
        if (Path(place) / "files").is_dir():
            return Path(place) / "files"
        if dry_run:
            raise NotFound("play.bundle_closed", path=bundle)
    raise NotFound("play.bundle_parts", path=bundle)


def provision_variables(
    home: Home, parts: Path | None, *, online: bool = False
) -> tuple[dict[str, Any], list[Part]]:
    """The variables of `site.yml`, and the parts that they mean, every one checked.

    Raises:
        UsageError: `play.where_from`.
        NotFound: `play.no_parts`, `lock.absent`, `ops.not_shipped`.
        Refused: `play.part_unlocked`.
        Corrupt: `play.part_differs`, `lock.invalid`.
        Failed: `play.part_unreadable`.
    """
    if (parts is None) != online:
        raise UsageError("play.where_from")
    lock = lock_in_force(home, parts)
    variables: dict[str, Any] = {"site_lock": msgspec.to_builtins(lock)}
    if parts is None:
        return variables, []
    folder = parts.expanduser().absolute()
    return {**variables, "site_parts": str(folder)}, parts_in(folder, lock)


def lock_in_force(home: Home, parts: Path | None = None) -> Lock:
    """The lock that lies with the parts, else that of the home folder, else the shipped one.

    Raises:
        NotFound: `lock.absent`, `ops.not_shipped`.
        Corrupt: `lock.invalid`.
    """
    beside = [parts.expanduser() / name for name in _LOCKS] if parts else []
    found = next((path for path in beside if path.exists()), None)
    return read_lock(found or lock_path(home))


def parts_meant(variables: Mapping[str, Any]) -> list[Part]:
    """The parts that the variables of a play mean, read and checked again.

    Raises:
        As `parts_in`.
    """
    folder = str(variables.get("site_parts") or "")
    if not folder:
        return []
    return parts_in(Path(folder), msgspec.convert(variables["site_lock"], Lock))
