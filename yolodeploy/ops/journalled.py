"""Long actions in the process that asked for them, journalled like those that run detached.

Others can follow them. When the process dies they are shown as lost; doing the action again goes on
where it stopped, because what it has done is on disk and not in the journal.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from yolodeploy.core.errors import YolodeployError
from yolodeploy.inventory import operations as rows
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.operations import OperationState
from yolodeploy.ops.operations import Teller, boot_id, new_id

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home


@contextmanager
def journalled(home: Home, kind: str, arguments: Mapping[str, Any]) -> Iterator[Teller]:
    """An operation of this process. How it ends is how the block ends."""
    operation = new_id()
    with open_inventory(home.inventory) as inventory:
        rows.create_operation(inventory, operation, kind, arguments, at=time.time())
        rows.started(inventory, operation, os.getpid(), boot_id(), at=time.time())
        teller = Teller(inventory, operation)
        state, code = OperationState.FAILED, 1
        try:
            yield teller
            state, code = OperationState.DONE, 0
        except YolodeployError as error:
            teller.say(error.code, "error", **error.fields)
            code = error.exit_code
            raise
        except KeyboardInterrupt:
            state, code = OperationState.CANCELLED, 130
            raise
        finally:
            rows.finish(inventory, operation, state, code, at=time.time())
