"""Metrics as text: OpenMetrics 1.0, and the older form (0.0.4) for whoever asks for that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from yolodeploy.core.sketch import Sketch
from yolodeploy.core.text import one_line

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"

LONGEST_LABEL = 100
"""Characters of a name that a site gave."""

DOUBLINGS = range(9, 25)
"""Of a microsecond: 512 µs to 17 s in powers of two."""

Labels = Mapping[str, str]


class Sample(NamedTuple):
    """One line: what follows the family's name, labels and the value."""

    suffix: str
    labels: Labels
    value: float


class Family(NamedTuple):
    """One metric: its name without `_total`, its kind (gauge, counter, histogram) and its lines."""

    name: str
    kind: str
    help: str
    samples: list[Sample]


def text_of(families: Iterable[Family], *, openmetrics: bool) -> str:
    """All of it; families without a line are left out."""
    lines = [text for family in families if family.samples for text in _family(family, openmetrics)]
    return "\n".join([*lines, "# EOF", ""] if openmetrics else [*lines, ""])


def histogram_samples(labels: Labels, sketch: Sketch) -> Iterator[Sample]:
    """The cumulative buckets of a sketch in seconds, its sum and its count."""
    for bound_us, below in sketch.cumulated(DOUBLINGS):
        yield Sample("_bucket", {**labels, "le": repr(bound_us / 1e6)}, below)
    yield Sample("_bucket", {**labels, "le": "+Inf"}, sketch.count)
    yield Sample("_sum", labels, sketch.sum_us / 1e6)
    yield Sample("_count", labels, sketch.count)


def _family(family: Family, openmetrics: bool) -> Iterator[str]:
    is_counter = family.kind == "counter"
    name = f"{family.name}_total" if is_counter and not openmetrics else family.name
    yield f"# TYPE {name} {family.kind}"
    if openmetrics:
        unit = family.name.rpartition("_")[2]
        if unit in ("seconds", "bytes", "ratio"):
            yield f"# UNIT {name} {unit}"
    yield f"# HELP {name} {family.help}"
    for sample in family.samples:
        suffix = "_total" if is_counter else sample.suffix
        yield f"{family.name}{suffix}{_labels(sample.labels)} {_number(sample.value)}"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{','.join(pairs)}}}"


def _escaped(value: str) -> str:
    told = one_line(value, LONGEST_LABEL).encode(errors="backslashreplace").decode()
    return told.replace("\\", "\\\\").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)
