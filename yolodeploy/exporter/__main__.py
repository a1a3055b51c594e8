"""`python … exporter` with a request on stdin: what is done is told in lines of JSON on stdout.

`{"step": …}` while it goes on, then `{"done": …}` or `{"code": …, "fields": …}`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .archive import names_in
from .errors import Refused
from .isolation import isolate
from .sizes import SQUARE, input_size

NOTHING_TO_SUPPRESS = frozenset({"Classify", "RTDETRDecoder"})


def main() -> int:
    """Do what the request asks for; the exit code."""
    request = json.load(sys.stdin)
    # whatever libraries print goes to stderr; stdout is ours
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def tell(**line: Any) -> None:
        told.write(json.dumps(line) + "\n")
        told.flush()

    isolate(request["parent"], request["memory_bytes"])
    try:
        done = TASKS[request["task"]](request, lambda step: tell(step=step))
    except Refused as error:
        tell(code=error.code, fields=error.fields)
        return 1
    except ModuleNotFoundError as error:
        fields = {"package": str(error.name), "python": sys.executable}
        tell(code="export.needs_export", fields=fields)
        return 1
    except MemoryError:
        tell(code="export.memory", fields={"megabytes": str(request["memory_bytes"] >> 20)})
        return 1
    tell(done=done)
    return 0


def _export(request: dict[str, Any], step: Callable[[str], None]) -> dict[str, Any]:
    """A checkpoint as an ONNX file in `folder`."""
    path, folder = Path(request["path"]), Path(request["folder"])
    step("open")
    names = names_in(path)
    from .loading import loaded
    from .rebuilding import image_size, rebuilt

    record = loaded(path, names)
    step("build")
    network = rebuilt(record)
    head = type(network.model[-1]).__name__
    if head in NOTHING_TO_SUPPRESS and (request["nms"] or request["end_to_end"]):
        raise Refused("export.no_boxes", head=head)
    side = request["side"] or image_size(record)
    del record
    square = network.task == "classify"
    aspect = SQUARE if square else tuple(request["aspect"])
    height, width = input_size(side, aspect, int(max(network.stride)))
    step("export")
    from .exporting import exported
    from .graph import finish

    made = exported(
        network,
        folder,
        height=height,
        width=width,
        dynamic=request["dynamic"],
        nms=request["nms"],
        end_to_end=request["end_to_end"],
    )
    finish(
        made,
        pinned=(height, width) if request["dynamic"] else None,
        half=request["half"],
        nms=request["nms"],
        end_to_end=request["end_to_end"],
    )
    return {"path": str(made)}


def _quantise(request: dict[str, Any], step: Callable[[str], None]) -> dict[str, Any]:
    """An ONNX file in INT8, beside it in `folder`."""
    from .quantising import quantise

    step("quantise")
    made = Path(request["folder"]) / f"quantised-{request['kept'].replace(' ', '-')}.onnx"
    quantise(Path(request["path"]), made, Path(request["blobs"]), request["kept"])
    return {"path": str(made)}


TASKS: dict[str, Callable[[dict[str, Any], Callable[[str], None]], dict[str, Any]]] = {
    "export": _export,
    "quantise": _quantise,
}

if __name__ == "__main__":
    sys.exit(main())
