"""If these fail, who ends an operation is told nothing, or ends what has commands of its own."""

from __future__ import annotations

import pytest

from yolodeploy.core.errors import Refused
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.operations import list_operations
from yolodeploy.ops.cancelling import cancel
from yolodeploy.ops.home import Home
from yolodeploy.ops.journalled import journalled


@pytest.mark.parametrize(
    ("kind", "arguments", "code", "mends"),
    [
        ("rollout", {"rollout": "r-7"}, "ops.not_cancelled", "yolodeploy rollout pause r-7 or "),
        ("bundle-create", {}, "ops.cancelled_there", "press Ctrl-C there"),
        ("export", {"path": "/m.pt"}, "ops.cancelled_there", "press Ctrl-C there"),
    ],
)
def test_what_is_not_ended_from_elsewhere_says_how_it_is(
    home: Home, kind: str, arguments: dict[str, str], code: str, mends: str
) -> None:
    with journalled(home, kind, arguments):
        with open_inventory(home.inventory) as inventory:
            (row,) = list_operations(inventory)
        for dry_run in (True, False):
            with pytest.raises(Refused) as refused:
                cancel(home, row.id, dry_run=dry_run)
            assert refused.value.code == code
            assert refused.value.remedy().startswith(mends)
            assert "<" not in refused.value.text()
