"""Masks as COCO's compressed run lengths, which pycocotools and FiftyOne read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from yolodeploy.core.detections import Mask

if TYPE_CHECKING:
    from yolodeploy.serve.letterbox import Fit

Pixels = np.ndarray[Any, Any]


def run_lengths(pixels: Pixels, left: int, top: int, place: Fit) -> Mask:
    """A part of the network's input, from (`left`, `top`) on, as a mask over the whole picture.

    A pixel of the picture belongs to the mask when the input's pixel at its middle does. Only the
    part's own pixels are looked at, however large the picture.
    """
    rows = _middles(place.height, place.gain_y, place.top) - top
    columns = _middles(place.width, place.gain_x, place.left) - left
    # the first row of the picture that lies in a row of the part or below it
    first_row = np.searchsorted(rows, np.arange(pixels.shape[0] + 1))
    x0, x1 = np.searchsorted(columns, (0, pixels.shape[1]))
    run, x = _spread(pixels, columns[x0:x1])
    starts = (x + x0) * place.height + first_row[run.begin]
    ends = (x + x0) * place.height + first_row[run.end]
    some = starts < ends  # a row of the input may hold no row of a small picture
    edges = _joined(starts[some], ends[some])
    counts = np.diff(edges, prepend=0, append=place.width * place.height)
    return Mask((place.height, place.width), compressed(counts))


class _Runs(NamedTuple):
    """Rows of the part where runs begin, and those after their ends."""

    begin: Pixels
    end: Pixels


def _middles(size: int, gain: float, border: int) -> Pixels:
    """Where in the input the middle of each row (or column) of the picture lies."""
    middles: Pixels = np.floor((np.arange(size) + 0.5) * gain).astype(np.int64)
    return middles + border


def _spread(pixels: Pixels, columns: Pixels) -> tuple[_Runs, Pixels]:
    """The runs of each of the picture's columns, and which one it is, counted from zero.

    `columns` are those of the part in which they lie.
    """
    framed = np.zeros((pixels.shape[1], pixels.shape[0] + 2), np.int8)
    framed[:, 1:-1] = pixels.T
    change = np.diff(framed, axis=1)
    column, begin = np.nonzero(change == 1)
    end = np.nonzero(change == -1)[1]
    bounds = np.searchsorted(column, np.arange(pixels.shape[1] + 1))
    times = np.diff(bounds)[columns]
    before = np.cumsum(times) - times
    index = np.arange(times.sum()) + np.repeat(bounds[columns] - before, times)
    x = np.repeat(np.arange(len(columns)), times)
    return _Runs(begin[index], end[index]), x


def _joined(starts: Pixels, ends: Pixels) -> Pixels:
    """Begin and end of each run in turn; those that meet, as at a column's foot, become one."""
    if not len(starts):
        return starts
    apart = starts[1:] != ends[:-1]
    edges: Pixels = np.stack(
        (starts[np.append(True, apart)], ends[np.append(apart, True)]), axis=1
    ).ravel()
    return edges


def compressed(counts: Pixels) -> str:
    """Run lengths as text, as COCO's `maskApi.c` writes them (rleToString).

    From the fourth on a length is told as its difference to the one before the last; each figure
    in groups of five bits, lowest first, with a sixth for "more follows", as printable ASCII.
    """
    values = counts.astype(np.int64)
    values[3:] = counts[3:] - counts[1:-2]
    groups = []
    going = np.ones(len(values), bool)
    while going.any():
        low = values & 31
        values = values >> 5
        # the sign lies in bit five of the last group
        more = np.where(low & 16, values != -1, values != 0)
        groups.append(np.where(going, low + 32 * more + 48, 0))
        going = going & more
    text = np.stack(groups, axis=1).ravel() if groups else np.empty(0, np.int64)
    return text[text > 0].astype(np.uint8).tobytes().decode("ascii")
