"""Words and arguments that several commands share."""

from __future__ import annotations

import os
import re
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from yolodeploy.cli.telling import said
from yolodeploy.core.text import one_line

if TYPE_CHECKING:
    from yolodeploy.inventory.devices import DeviceRow


class File(click.Path):
    """A path that can be one: no file system takes a longer name."""

    NAME, WHOLE = 255, 4095  # bytes, on Linux

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click does; the actions say what is wrong with a file, so nothing is looked at."""
        name = os.fsencode(value)
        if len(name) > self.WHOLE or any(len(part) > self.NAME for part in name.split(b"/")):
            self.fail(said("usage.too_long"), param, ctx)
        return super().convert(value, param, ctx)


FILE = File(path_type=Path, readable=False)

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


class Figure(click.FloatRange):
    """A number in a range, in which NaN is not."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """`0.5` is 0.5; click takes `nan` for whatever range."""
        number = float(super().convert(value, param, ctx))
        if isnan(number):
            self.fail(said("usage.no_number", given=repr(value)), param, ctx)
        return number


class Seconds(Figure):
    """A length of time in seconds, written as a number or with a unit: `90`, `0.5`, `2m`."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """`2m` is 120.0."""
        match = Duration.TEXT.fullmatch(str(value))
        return super().convert(value if match is None else Duration.seconds(match), param, ctx)


class Duration(click.ParamType[float]):
    """A length of time with its unit, in seconds."""

    name = "duration"
    TEXT = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(s|min|m|h|d)", re.ASCII)
    _SECONDS: ClassVar[dict[str, int]] = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """`30m` and `30min` are 1800.0."""
        match = self.TEXT.fullmatch(str(value))
        if match is None:
            self.fail(said("usage.no_duration", given=repr(value)), param, ctx)
        return self.seconds(match)

    @classmethod
    def seconds(cls, match: re.Match[str]) -> float:
        """Those of a match of `TEXT`."""
        return float(match[1]) * cls._SECONDS[match[2]]

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
            raise click.BadParameter(
                said("usage.is_not", given=repr(text), form="KEY=VALUE"), param_hint="--label"
            )
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
