"""If these fail, a cluster cannot be brought into the inventory, or slows down who has none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kubernetes.double import Cluster
from tests.kubernetes.parts import release
from yolodeploy.cli.main import main
from yolodeploy.core.errors import Refused
from yolodeploy.inventory import sites
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.ops.applied import applied
from yolodeploy.ops.connect import EMBEDDED, K3S, account_file, connect
from yolodeploy.ops.home import Home

LOADED = """
import json, sys
from yolodeploy.cli.main import main
code = main(sys.argv[1:])
print(json.dumps([code, "kubernetes" in sys.modules]))
"""


def test_reading_of_a_fleet_with_clusters_does_not_load_the_client(at_home: Home) -> None:
    """It costs 0.2 s, which every `status` would pay."""
    for line in ("status", "site list", "--help"):
        ran = subprocess.run(
            [sys.executable, "-c", LOADED, *line.split()], capture_output=True, check=True
        )
        assert json.loads(ran.stdout.splitlines()[-1]) == [0, False]


def test_a_k3s_site_is_spoken_to_when_it_has_an_account(home: Home, double: Cluster) -> None:
    with open_inventory(home.inventory) as inventory:
        sites.add_site(inventory, "plant", K3S, "", at=0.0)
        row = sites.get_site(inventory, "plant")
    with pytest.raises(Refused) as told:
        connect(home, row)
    assert "site account plant" in told.value.remedy()
    account_file(home, "plant").parent.mkdir(parents=True)
    double.kubeconfig(account_file(home, "plant"))
    state = connect(home, row).observe()
    assert [device.name for device in state.devices] == ["edge-1"]


def test_adopting_says_what_is_wrong_and_leaves_nothing(
    home: Home, tmp_path: Path, double: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(double.kubeconfig(tmp_path / "kubeconfig"))
    for line, code, word in (
        (["--context", "nowhere", "--kubeconfig", file], 2, "nowhere"),
        (["--kubeconfig", file], 2, "--context"),
        (["--context", "here", "--address", "a@b"], 2, "--address"),
        (["--context", "here", "--kubeconfig", f"{file}-absent"], 2, "absent"),
        (["--context", "here", "--kubeconfig", file, "--dry-run"], 0, "would be"),
    ):
        assert main(["site", "adopt", "plant", *line]) == code, line
        assert word in capsys.readouterr().err
        assert not home.inventory.exists()
    assert main(["site", "adopt", "plant", "--context", "here", "--kubeconfig", file]) == 0
    with read_inventory(home.inventory) as inventory:
        assert sites.get_site(inventory, "plant").location == f"{file}#here"
    assert main(["site", "adopt", "plant", "--context", "here", "--kubeconfig", file]) == 1
    capsys.readouterr()
    assert main(["site", "adopt", "quay", "--context", "here", "--kubeconfig", file]) == 1
    assert "is site plant already" in capsys.readouterr().err
    assert main(["site", "start", "plant"]) == 1
    assert not (home.site("plant") / "site.db").exists()


def test_only_a_cluster_has_objects(home: Home) -> None:
    with open_inventory(home.inventory) as inventory:
        sites.add_site(inventory, "here", EMBEDDED, str(home.site("here")), at=0.0)
    with pytest.raises(Refused) as told:
        applied(home, "here", release(1))
    assert told.value.code == "ops.no_objects"
