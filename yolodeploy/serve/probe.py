"""`python -m yolodeploy.serve.probe MODEL`: what a model is, as one line of JSON.

A process of its own, because a hostile model can take the engine's process down with it. Prints
`ModelFacts` on stdout; or exits with 1 and an `ErrorResponse` on stderr.
"""

from __future__ import annotations

import sys

import msgspec

from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.serving import ErrorResponse


def main(arguments: list[str]) -> int:
    """Probe the one model named; the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m yolodeploy.serve.probe MODEL\n")
        return 2
    from yolodeploy.serve.model import load

    try:
        facts = load(arguments[0], threads=1).facts
    except YolodeployError as error:
        answer = ErrorResponse(code=error.code, text=error.text(), remedy=error.remedy())
        sys.stderr.write(msgspec.json.encode(answer).decode() + "\n")
        return 1
    sys.stdout.write(msgspec.json.encode(facts).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
