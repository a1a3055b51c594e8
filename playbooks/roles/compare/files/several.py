"""Run programs of several roles as one: {NAME: [TEXT, WHAT IT IS ASKED…]} on stdin.

One connection and one start of Python in place of one for each; answers by name, as JSON.
"""

import json
import sys
from types import ModuleType


def main(programs):
    """What each of them tells."""
    return {name: answer(name, *program) for name, program in programs.items()}


def answer(name, text, *asked):
    """What one tells; it is read as it lies in its role."""
    module = ModuleType(name)
    exec(compile(text, name + ".py", "exec"), module.__dict__)  # noqa: S102
    return module.main(*asked)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.load(sys.stdin))) + "\n")
