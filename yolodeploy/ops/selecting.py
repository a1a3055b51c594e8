"""Which sites and devices a selector means, by the labels in the inventory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from yolodeploy.core.errors import NotFound
from yolodeploy.core.selectors import fits, parse_selector
from yolodeploy.core.sketch import merge_stages
from yolodeploy.inventory.devices import list_devices
from yolodeploy.inventory.latency import Group, Latency, LatencyRow, latency
from yolodeploy.inventory.sites import SiteRow, get_site, list_sites

if TYPE_CHECKING:
    from yolodeploy.inventory.connection import Inventory
    from yolodeploy.inventory.devices import DeviceRow


def chosen_sites(inventory: Inventory, names: Sequence[str], select: str) -> list[SiteRow]:
    """The named sites, or all, of which the labels fit `select` (empty: whatever they are).

    Raises:
        NotFound: `inventory.unknown_site`; `selector.no_site`.
        UsageError: `selector.invalid`.
    """
    rows = [get_site(inventory, name) for name in names] if names else list_sites(inventory)
    return selected_sites(rows, select) if select else rows


def selected_sites(rows: Iterable[SiteRow], select: str) -> list[SiteRow]:
    """Those whose labels fit.

    Raises:
        NotFound: `selector.no_site`.
        UsageError: `selector.invalid`.
    """
    selector = parse_selector(select)
    found = [row for row in rows if fits(selector, row.labels)]
    if not found:
        raise NotFound("selector.no_site", selector=select)
    return found


def selected_devices(
    inventory: Inventory, rows: Iterable[DeviceRow], select: str
) -> list[DeviceRow]:
    """Those whose labels fit: their own over those of their site.

    Raises:
        NotFound: `selector.no_device`.
        UsageError: `selector.invalid`.
    """
    selector = parse_selector(select)
    of_site = {row.name: row.labels for row in list_sites(inventory)}
    found = [row for row in rows if fits(selector, of_site[row.site] | row.labels)]
    if not found:
        raise NotFound("selector.no_device", selector=select)
    return found


def latency_of_selected(
    inventory: Inventory,
    select: str,
    start: float,
    end: float,
    *,
    group_by: Sequence[str],
    where: Mapping[str, str],
) -> Latency:
    """As `inventory.latency.latency`, of the devices alone of which the labels fit.

    Raises:
        NotFound: `selector.no_device`.
        UsageError: `selector.invalid`, `inventory.latency_group`.
    """
    wanted = {
        (row.site, row.name) for row in selected_devices(inventory, list_devices(inventory), select)
    }
    by = (*group_by, "site", "device")
    found = latency(inventory, start, end, group_by=by, where=where)
    rows: dict[Group, LatencyRow] = {}
    for row in found.rows:
        group = row.group[: len(group_by)]
        if row.group[-2:] in wanted:
            known = rows.get(group, LatencyRow(group, 0, 0, {}))
            rows[group] = LatencyRow(
                group,
                known.requests + row.requests,
                known.failures + row.failures,
                merge_stages(known.stages, row.stages),
            )
    return found._replace(rows=tuple(rows[group] for group in sorted(rows)))
