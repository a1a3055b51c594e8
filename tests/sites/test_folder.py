"""Where a supervisor is asked: if this fails, a site that runs looks stopped to a unit of systemd,
to cron or after a login, for each has a /tmp or a XDG_RUNTIME_DIR of its own.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sites.parts import Bench
from yolodeploy.sites.embedded.folder import SiteFolder
from yolodeploy.sites.embedded.supervisor import Supervisor


def test_it_is_found(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert Supervisor(bench.folder, bench.name).running()


def test_a_socket_s_path_is_never_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    deep = SiteFolder(tmp_path / ("b" * 90))
    deep.create()
    first = deep.place_for_socket()
    short = SiteFolder(Path("/srv/yolodeploy/sites/plant"))
    assert short.place_for_socket() == short.root / "supervisor.sock"
    assert deep.root not in first.parents
    assert len(os.fsencode(first)) < 90
    # one that was started elsewhere, or by an older version, is asked where it is
    deep.supervisor_config.write_text("logfile=x\nfile=/run/user/0/100%%.sock\nfiles=y\n")
    assert deep.socket == Path("/run/user/0/100%.sock")
    assert deep.place_for_socket() == first
