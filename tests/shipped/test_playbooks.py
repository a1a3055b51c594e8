"""The preflight, run for real on this machine, and its rules on machines that are broken."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.shipped.conftest import ROOT

BESIDE = Path(sys.executable).parent
ANSIBLE = shutil.which("ansible-playbook", path=str(BESIDE))
LINT = shutil.which("ansible-lint", path=str(BESIDE))
needs_ansible = pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is absent")

Ran = subprocess.CompletedProcess[str]


@pytest.fixture
def play(tmp_path: Path, playbooks: Path) -> Callable[..., Ran]:
    def run(*arguments: str, **extra: Any) -> Ran:
        variables = {
            "ansible_become": False,
            "ansible_python_interpreter": sys.executable,
            "preflight_fsync_folder": str(tmp_path),
            **extra,
        }
        kept = {name: text for name, text in os.environ.items() if not name.startswith("ANSIBLE_")}
        return subprocess.run(
            [str(ANSIBLE), "-e", json.dumps(variables), *arguments],
            cwd=playbooks,
            env={**kept, "ANSIBLE_HOME": str(tmp_path / "ansible"), "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )

    return run


def recap(ran: Ran) -> dict[str, int]:
    line = ran.stdout.rpartition("PLAY RECAP")[2]
    return {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", line)}


LOCALLY = ("-i", "localhost,", "-c", "local", "preflight.yml")


@needs_ansible
@pytest.mark.parametrize("mode", [(), ("--check",)], ids=["run", "check"])
def test_a_real_run_tells_and_changes_nothing(play: Callable[..., Ran], mode: tuple[str]) -> None:
    """A technician runs it on a gateway at work, and again."""
    ran = play(*LOCALLY, *mode, preflight_blocking=[])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "checks: 0 blocking" in ran.stdout
    counts = recap(ran)
    assert (counts["changed"], counts["failed"]) == (0, 0)


@needs_ansible
def test_what_is_blocking_ends_the_run_after_everything_was_told(play: Callable[..., Ran]) -> None:
    """Else the technician mends one thing a visit."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = play(
            *LOCALLY,
            preflight_blocking=["disk", "port"],
            preflight_free_mb={"/": 10**9},
            preflight_ports=[taken.getsockname()[1]],
            preflight_memory_mb=10**9,
        )
    assert ran.returncode == 2
    assert re.search(
        r"BLOCKING disk: .* MB are free in /, 1000000000 .* -> apt-get clean", ran.stdout
    )
    assert re.search(r"BLOCKING port: .* -> ss -Hltnp", ran.stdout)
    assert re.search(r"warning memory: .* -> use a gateway", ran.stdout)
    assert "2 blocking: " in ran.stdout
    assert (recap(ran)["changed"], recap(ran)["failed"]) == (0, 1)


@needs_ansible
def test_a_gateway_without_a_whole_python_is_told_so(
    play: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian's python3-minimal answers to its name and cannot run a single module."""
    minimal = tmp_path / "python3"
    minimal.write_text(
        "#!/bin/sh\necho \"ModuleNotFoundError: No module named 'shutil'\" >&2; exit 1"
    )
    minimal.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    ran = play(*LOCALLY)
    assert ran.returncode == 2
    told = "no python3 that Ansible can use: ModuleNotFoundError: No module named 'shutil'"
    assert f"BLOCKING python: {told} -> apt-get install python3" in ran.stdout + ran.stderr


@needs_ansible
def test_what_a_gateway_says_is_never_evaluated(
    play: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name for a swap file, or for its system, is anybody's."""
    mark = tmp_path / "evaluated"
    said = f"{{{{ lookup('ansible.builtin.pipe', 'touch {mark}') }}}}"
    row = {"check": "swap", "result": "finding", "blocking": False, "says": f"it swaps to {said}",
           "remedy": "-", "fields": {}, "mend": ""}  # fmt: skip
    (tmp_path / "said.json").write_text(json.dumps({"rows": [row]}))
    lying = tmp_path / "python3"
    answer = f"cat >{os.devnull}; cat {tmp_path}/said.json"
    lying.write_text(f'#!/bin/sh\ncase "$2" in *ModuleType*) {answer} ;; esac')
    lying.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    ran = play(*LOCALLY)
    assert ran.returncode == 0, ran.stdout
    assert f"warning swap: it swaps to {said} -> -" in ran.stdout
    assert not mark.exists()


@needs_ansible
def test_a_wrong_setting_is_refused_by_name(play: Callable[..., Ran]) -> None:
    ran = play(*LOCALLY, preflight_memory_mb="two gigabytes")
    assert ran.returncode == 2
    assert "preflight_memory_mb" in ran.stdout + ran.stderr


ROLES = sorted(path.name for path in (ROOT / "playbooks" / "roles").iterdir() if path.is_dir())


@pytest.mark.parametrize("role", ROLES)
def test_what_is_documented_is_what_holds(playbooks: Path, role: str) -> None:
    """A role's documentation and its defaults are two files."""
    folder = playbooks / "roles" / role
    specs = yaml.safe_load((folder / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    options = {
        name: one for spec in specs.values() for name, one in spec.get("options", {}).items()
    }
    documented = {name: one["default"] for name, one in options.items() if "default" in one}
    defaults = yaml.safe_load((folder / "defaults" / "main.yml").read_text()) or {}
    required = {name for name, one in options.items() if one.get("required")}
    assert documented == {name: one for name, one in defaults.items() if name not in required}
    assert all(one.get("description") for one in options.values())


@needs_ansible
def test_every_playbook_can_be_read(play: Callable[..., Ran], playbooks: Path) -> None:
    books = [path.name for path in playbooks.glob("*.yml") if path.name != "lock.yml"]
    assert books
    ran = play("-i", "localhost,", "--syntax-check", *books)
    assert ran.returncode == 0, ran.stderr


@needs_ansible
def test_roles_serve_a_play_that_lies_elsewhere(play: Callable[..., Ran], tmp_path: Path) -> None:
    """Whoever writes a play of his own gets modules, what they share and filters with the roles."""
    marks = {"step": "{{ 'v1.35.1+k3s1' | k3s_step('v1.35.2+k3s1') }}"}
    asked = {"name": "gateway-7", "kubectl": ["false"], "annotations": marks}
    book = tmp_path / "mine.yml"
    book.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [
        {"name": "Ask", "node": asked}]}]))  # fmt: skip
    ran = play("-i", "localhost,", "-c", "local", str(book))
    assert "kubectl get: it says nothing" in ran.stdout, ran.stdout + ran.stderr


@pytest.mark.skipif(LINT is None, reason="ansible-lint is absent")
def test_the_project_is_clean_under_the_production_profile(playbooks: Path, tmp_path: Path) -> None:
    path = f"{BESIDE}{os.pathsep}{os.environ['PATH']}"
    copy = shutil.copytree(playbooks, tmp_path / "playbooks")  # it writes a cache where it runs
    ran = subprocess.run(
        [str(LINT), "--offline", "--nocolor"],
        cwd=copy,
        env={**os.environ, "PATH": path, "ANSIBLE_HOME": str(tmp_path / "ansible")},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Profile 'production' was required, and it passed" in ran.stderr
