"""Words and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from yolodeploy.core.text import one_line

if TYPE_CHECKING:
    from yolodeploy.inventory.devices import DeviceRow

# the actions say what is wrong with a file, in the person's language; click must not look first
FILE = click.Path(path_type=Path, readable=False)

labels_option = click.option(
    "--label", "labels", multiple=True, metavar="KEY=VALUE", help="A label; repeatable."
)
insecure_option = click.option(
    "--insecure", is_flag=True, help="Speak plain HTTP, also to another machine."
)
ca_option = click.option("--ca", type=FILE, help="Further authorities to trust, as PEM.")
sites_option = click.option(
    "--site", "sites", multiple=True, help="Only this site; repeatable. Default: all."
)


def parsed_labels(given: tuple[str, ...]) -> dict[str, str]:
    """`KEY=VALUE` texts as a dictionary."""
    labels = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--label")
        labels[one_line(key)] = one_line(value)
    return labels


def words_of(row: DeviceRow) -> str:
    """The state of a device in one word, the most important first."""
    if row.reachable is False:
        return "offline"
    if row.held is not None or row.site_held is not None:
        return "held"
    if row.ready is None:  # nobody asks the nodes of a k3s site yet; its proof is known
        return "proved" if row.gateway.proved_at else "unknown"
    if not row.ready:
        return "not ready"
    busy = {app.phase for app in row.apps} & {"switching", "trial", "reverting"}
    return next(iter(busy)) if busy else "ready"
