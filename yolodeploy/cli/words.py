"""Words and arguments that several commands share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

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
select_option = click.option(
    "--select", default="", metavar="SELECTOR", help="By labels: 'line=3,env!=test,hall in (a,b)'."
)
sites_option = click.option(
    "--site", "sites", multiple=True, help="Only this site; repeatable. Default: all."
)


class Duration(click.ParamType[float]):
    """A length of time with its unit, in seconds."""

    name = "duration"
    _TEXT = re.compile(r"(\d{1,6})(s|min|m|h|d)", re.ASCII)
    _SECONDS: ClassVar[dict[str, int]] = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """`30m` is 1800.0."""
        match = self._TEXT.fullmatch(str(value))
        if match is None:
            self.fail(f"{value!r} is not like 45s, 30m, 12h or 7d", param, ctx)
        return float(int(match[1]) * self._SECONDS[match[2]])

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """How it is written in the help."""
        return "TIME"


DURATION = Duration()


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
