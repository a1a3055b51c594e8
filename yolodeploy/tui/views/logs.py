"""Lines of logs, with whose they are in front."""

from __future__ import annotations

from yolodeploy.core.logs import stamped
from yolodeploy.core.site import LogLine
from yolodeploy.core.text import fit, one_line
from yolodeploy.tui.views.figures import clock_time
from yolodeploy.tui.views.spans import Line, Look, Span, wrapped

_WHO = 18  # cells of the instance
_MOST = 20  # lines of one


def log_lines(site: str, line: LogLine, look: Look, width: int) -> list[Line]:
    """One line of a log on as many as it takes."""
    at = clock_time(line.at, look.now)[-8:] if line.at else ""
    who = one_line(line.instance or line.device or site)
    who = who if len(who) <= _WHO else f"…{who[1 - _WHO :]}"  # names differ at their ends
    _, text = stamped(line.text.encode(errors="replace"))
    label = (Span(f"  {fit(at, 8)} ", "dim"), Span(fit(who, _WHO) + " ", "accent"))
    first, *more = wrapped(text.decode(errors="replace"), width - _WHO - 13, "", 0, _MOST)
    indent = Span(" " * (_WHO + 12))
    return [(*label, *first), *((indent, *rest) for rest in more)]
