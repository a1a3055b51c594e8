"""The preflight, run for real on this machine, and its rules on machines that are broken."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

BESIDE = Path(sys.executable).parent
ANSIBLE = shutil.which("ansible-playbook", path=str(BESIDE))
LINT = shutil.which("ansible-lint", path=str(BESIDE))
needs_ansible = pytest.mark.skipif(ANSIBLE is None, reason="ansible-core is absent")

Ran = subprocess.CompletedProcess[str]
HEALTHY: dict[str, Any] = {
    "arch": "aarch64",
    "kernel": "6.12.48-arm64",
    "system": {"id": "debian", "name": "Debian", "version": "13"},
    "cgroups": {"version": 2, "missing": []},
    "default_route": True,
    "clock": {"epoch": 1800000000, "ahead_s": -1, "kept": True},
    "free_mb": {"/": 20000, "/var/lib": 20000},
    "short_of_space": [],
    "memory_mb": 8000,
    "swap": [],
    "fsync_ms": {"median": 0.9, "p99": 3.5},
    "taken_ports": [],
    "k3s_runs": False,
    "gpu": {"present": True, "module": "580.95.05", "library": "580.95.05"},
    "unheld": [],
}
BROKEN: dict[str, dict[str, Any]] = {
    "arch": {"arch": "armv7l"},
    "os_old": {"system": {"id": "ubuntu", "name": "Ubuntu", "version": "20.04"}},
    "os_unknown": {"system": {"id": "arch", "name": "Arch", "version": ""}},
    "kernel": {"kernel": "5.4.0-150-generic"},
    "cgroup_version": {"cgroups": {"version": 1, "missing": []}},
    "cgroup_controllers": {"cgroups": {"version": 2, "missing": ["memory"]}},
    "route": {"default_route": False},
    "clock": {"clock": {"epoch": 1800000000, "ahead_s": -63072000, "kept": True}},
    "clock_kept": {"clock": {"epoch": 1800000000, "ahead_s": 0, "kept": False}},
    "disk": {"free_mb": {"/": 20000, "/var/lib": 812}, "short_of_space": ["/var/lib"]},
    "memory": {"memory_mb": 512},
    "fsync": {"fsync_ms": {"median": 20.1, "p99": 412.0}},
    "fsync_unknown": {"fsync_ms": None},
    "swap": {"swap": ["/var/swap"]},
    "port": {"taken_ports": [6443]},
    "gpu_driver": {"gpu": {"present": True, "module": None, "library": None}},
    "gpu_mismatch": {"gpu": {"present": True, "module": "580.95.05", "library": "580.105.08"}},
    "gpu_unheld": {"unheld": ["nvidia-driver", "libcuda1"]},
}
FINE: dict[str, dict[str, Any]] = {
    "healthy": {},
    "no_gpu": {"gpu": {"present": False, "module": None, "library": None}},
    "k3s_is_there": {"taken_ports": [6443, 10250], "k3s_runs": True},
    "nobody_tells_of_the_clock": {"clock": {"epoch": 1800000000, "ahead_s": 2, "kept": None}},
    "debian_testing": {"system": {"id": "debian", "name": "Debian", "version": ""}},
}


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
            timeout=120,
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
    assert "18 checks: 0 blocking" in ran.stdout
    counts = recap(ran)
    assert (counts["changed"], counts["failed"], counts["skipped"]) == (0, 0, 0)


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
    told = "no python3 that Ansible can use (ModuleNotFoundError: No module named 'shutil')"
    assert f"BLOCKING python: {told} -> apt-get install python3" in ran.stdout + ran.stderr


@needs_ansible
def test_what_a_gateway_says_is_never_evaluated(
    play: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name for a swap file, or for its system, is anybody's."""
    mark = tmp_path / "evaluated"
    said = f"{{{{ lookup('ansible.builtin.pipe', 'touch {mark}') }}}}"
    (tmp_path / "said.json").write_text(json.dumps(HEALTHY | {"swap": [said]}))
    lying = tmp_path / "python3"
    lying.write_text(f'#!/bin/sh\n[ "$1" = - ] && cat {tmp_path}/said.json; exit 0')
    lying.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    ran = play(*LOCALLY)
    assert ran.returncode == 0, ran.stdout
    assert f"warning swap: it swaps to {said}; " in ran.stdout
    assert not mark.exists()


@needs_ansible
def test_a_wrong_setting_is_refused_by_name(play: Callable[..., Ran]) -> None:
    ran = play(*LOCALLY, preflight_memory_mb="two gigabytes")
    assert ran.returncode == 2
    assert "preflight_memory_mb" in ran.stdout + ran.stderr


@needs_ansible
def test_each_check_finds_its_fault_and_nothing_else(
    play: Callable[..., Ran], tmp_path: Path, playbooks: Path
) -> None:
    """A check that never finds anything is worse than none: it is believed."""
    role = playbooks / "roles" / "preflight"
    hosts = {name: {"fault": change, "expected": [name]} for name, change in BROKEN.items()}
    hosts |= {name: {"fault": change, "expected": []} for name, change in FINE.items()}
    for told in hosts.values():
        told["preflight_seen"] = deepcopy(HEALTHY) | told.pop("fault")
    (tmp_path / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    judged = "preflight_findings | map(attribute='check') | list == expected"
    one_line = (
        "preflight_findings | map(attribute='remedy') | select('search', '\\n') | length == 0"
    )
    task = {"ansible.builtin.assert": {"that": [judged, one_line]}}
    files = [str(role / "defaults" / "main.yml"), str(role / "vars" / "main.yml")]
    book = [{"hosts": "all", "gather_facts": False, "vars_files": files, "tasks": [task]}]
    (tmp_path / "judge.yml").write_text(yaml.safe_dump(book))

    ran = play("-i", str(tmp_path / "inventory.json"), "-c", "local", str(tmp_path / "judge.yml"))
    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.count("failed=0") == len(BROKEN) + len(FINE)
    checks = yaml.safe_load((role / "vars" / "main.yml").read_text())["preflight_checks"]
    assert [one["check"] for one in checks] == list(dict.fromkeys(one["check"] for one in checks))
    assert {one["check"] for one in checks} == set(BROKEN), "a check without a broken machine here"


def test_what_is_documented_is_what_holds(playbooks: Path) -> None:
    """The role's documentation and its defaults are two files."""
    role = playbooks / "roles" / "preflight"
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())
    options = specs["argument_specs"]["main"]["options"]
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text())
    assert {name: option["default"] for name, option in options.items()} == defaults
    assert set(defaults["preflight_blocking"]) <= set(BROKEN)


@needs_ansible
def test_every_playbook_can_be_read(play: Callable[..., Ran], playbooks: Path) -> None:
    books = [path.name for path in playbooks.glob("*.yml")]
    assert books
    ran = play("-i", "localhost,", "--syntax-check", *books)
    assert ran.returncode == 0, ran.stderr


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
        timeout=150,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Profile 'production' was required, and it passed" in ran.stderr
