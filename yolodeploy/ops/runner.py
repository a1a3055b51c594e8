"""The process of one operation: `python -m yolodeploy.ops.runner HOME OPERATION`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from yolodeploy.core.errors import Interrupted, YolodeployError
from yolodeploy.inventory import operations as rows
from yolodeploy.inventory.connection import Inventory, open_inventory
from yolodeploy.inventory.operations import OperationState
from yolodeploy.ops.home import Home
from yolodeploy.ops.operations import Teller, boot_id

Action = Callable[[Home, Inventory, Teller, Mapping[str, Any]], int]

# kind → where the function is; it returns the exit code
KINDS = {
    "rollout": "yolodeploy.ops.rollout_run:run",
    "push": "yolodeploy.ops.transfers:run_push",
    "send": "yolodeploy.ops.sending:run_send",
    "play": "yolodeploy.ops.plays:run",
}


def main(home: Home, operation: str) -> int:
    """Run it to its end; whatever happens is journalled before the process goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever follows
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with open_inventory(home.inventory) as inventory:
        row = rows.get_operation(inventory, operation)
        rows.started(inventory, operation, os.getpid(), boot_id(), at=time.time())
        teller = Teller(inventory, operation)
        module, _, name = KINDS[row.kind].partition(":")
        action: Action = getattr(import_module(module), name)
        ended = OperationState.FAILED
        try:
            code = action(home, inventory, teller, row.arguments)
        except YolodeployError as error:
            teller.say(error.code, "error", **error.fields)
            code = error.exit_code
            if isinstance(error, Interrupted):
                ended = OperationState.CANCELLED
        except Exception:
            told = {"operation": operation, "log": log_of(home, operation)}
            if rollout := row.arguments.get("rollout"):
                teller.say("ops.broken_rollout", "error", rollout=rollout, **told)
            else:
                teller.say("ops.broken", "error", **told)
            rows.finish(inventory, operation, OperationState.FAILED, 1, at=time.time())
            raise  # the traceback is for the operation's log, not for the person
        state = OperationState.DONE if code == 0 else ended
        rows.finish(inventory, operation, state, code, at=time.time())
    return code


def log_of(home: Home, operation: str) -> Path:
    """Where the process of an operation writes what nobody expected."""
    return home.operations / f"{operation}.log"


if __name__ == "__main__":
    raise SystemExit(main(Home(Path(sys.argv[1])), sys.argv[2]))
