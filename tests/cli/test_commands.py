"""What every command owes to whoever calls it.

If these fail, a script cannot tell success from failure, or a person is left with a traceback.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path

import click
import pytest

from tests.cli.conftest import Run
from tests.cli.lines import LEAVES, commands, takes
from tests.cli.running import contents, is_error, program, started
from yolodeploy.cli.main import COMMANDS, yolodeploy
from yolodeploy.core import errors
from yolodeploy.inventory import operations
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.inventory.events import add_event
from yolodeploy.ops.home import Home
from yolodeploy.ops.operations import boot_id

PATHS = {" ".join(path): command for path, command in commands()}


# help ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_every_command_has_help_that_is_not_cut(path: str, run: Run) -> None:
    command = PATHS[path]
    if path == "serve":
        return  # it hands everything to the server, --help too
    for option in ("--help", "-h"):
        answer = run(*path.split(), option)
        assert (answer.code, answer.err) == (0, "")
        assert answer.out.startswith(f"Usage: yolodeploy {path}")
    listed = answer.out.partition("Commands:")[2]
    assert not re.search(r"\.\.\.$", listed, re.MULTILINE), "a line of help is cut off"
    for parameter in command.params:
        told = isinstance(parameter, click.Option) and (parameter.help or parameter.show_default)
        assert isinstance(parameter, click.Argument) or told, parameter.name


def test_the_first_help_names_every_command(run: Run) -> None:
    answer = run("--help")
    listed = re.findall(r"^  ([a-z]+)  ", answer.out.split("Commands:")[1], re.MULTILINE)
    assert listed == list(COMMANDS)
    assert run().out == answer.out  # stdout is no terminal here


@pytest.mark.parametrize("name", [n for n, item in COMMANDS.items() if ":" in item.help])
def test_the_line_of_a_group_lists_its_commands(name: str) -> None:
    group = PATHS[name]
    assert isinstance(group, click.Group)
    told = COMMANDS[name].help.split(": ")[1].rstrip(".").split(", ")
    assert sorted(told) == sorted(group.list_commands(click.Context(group)))


def test_the_same_option_is_told_in_the_same_words() -> None:
    told: dict[tuple[str, ...], set[str]] = {}
    for command in LEAVES.values():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                told.setdefault(tuple(parameter.opts), set()).add(parameter.help or "")
    for options in (
        ("-o", "--output"),
        ("--yes",),
        ("--detach",),
        ("--take-over",),
        ("--dry-run",),
    ):
        assert len(told.get(options, {""})) == 1, options


FORMS = ["table", "wide", "json", "jsonl", "yaml", "name"]


@pytest.mark.parametrize("path", sorted(takes("form") - {"inventory export"}))
def test_what_lists_takes_every_form(path: str) -> None:
    """An export has forms of its own: they are files, not an answer."""
    [option] = [p for p in LEAVES[path].params if p.name == "form"]
    assert isinstance(option.type, click.Choice)
    assert isinstance(option, click.Option)
    assert option.opts == ["-o", "--output"]
    assert list(option.type.choices) == [*FORMS, *(["csv"] if path == "latency" else [])]


def test_a_version(run: Run) -> None:
    assert re.fullmatch(r"yolodeploy \d+\.\d+\.\d+\n", run("--version").out)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, run: Run) -> None:
    assert "_YOLODEPLOY_COMPLETE" in run("completion", shell).out
    is_error(run("completion", "tcsh"), 2)


def test_a_shell_is_told_what_comes_next(home: Home) -> None:
    answer = program(
        home=home.root, _YOLODEPLOY_COMPLETE="bash_complete", COMP_WORDS="yolodeploy roll",
        COMP_CWORD="1",
    )  # fmt: skip
    assert (answer.out, answer.err) == ("plain,rollout\n", "")


# usage --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "near"),
    [("statu", "status"), ("rollot list", "rollout"), ("sites", "site"), ("modle", "model")],
)
def test_an_unknown_command_is_answered_with_the_nearest(line: str, near: str, run: Run) -> None:
    answer = run(*line.split())
    is_error(answer, 2)
    assert f"Did you mean {near}?" in answer.err


@pytest.mark.parametrize(
    "line",
    ["zzzzzz", "site frobnicate", "status --bogus", "site create", "site create x --devices 0",
     "site create x --devices many", "site create x --devices 65", "device edit d1 --label novalue",
     "device edit d1 --label =x", "status extra", "events --limit 0", "status -o xml",
     "latency --last forever", "latency --last 10", "latency --by colour", "latency --by hour,day",
     "site window plant daily", "site window plant --freeze 2026-13-01",
     "site window plant --zone Berlin", "site window plant --always --zone UTC",
     "site list --select a=b=c", "latency --select a,,b", "device list --select (",
     "status --select a,,b",
     "rollout plan brake-disc@1 --select !", "rollout plan brake-disc@1 --between soon",
     "rollout plan brake-disc@1 --approve-after 0", "rollout plan brake-disc@1 --max-failed 101%",
     "rollout plan brake-disc@1 --concurrency 0", "rollout plan brake-disc@1 --concurrency 1,,2",
     "rollout plan brake-disc@1 --expires 7", "rollout undo --yes",
     "rollout plan brake-disc@1 --beside canary --share 0%",
     "rollout plan brake-disc@1 --beside shadow --share 101%",
     "rollout plan brake-disc@1 --beside shadow --share 0.5",
     "rollout plan brake-disc@1 --beside blue-green --share 10%",
     "rollout plan brake-disc@1 --beside green", "rollout plan brake-disc@1 --share 10%",
     "rollout plan brake-disc@1 --beside-for 10m",
     "rollout plan brake-disc@1 --beside canary --beside-for soon",
     "rollout undo r-1 --site plant --yes",
     "latency --last 1h --since 2d", "latency --since tomorrow", "latency --until 1999-01-01T99",
     "latency --since 1h --until 2h", "latency --quantiles 101", "latency --quantiles nan",
     "latency --plot time -o json", "latency --plot pie", "latency --against brake-disc@1",
     "site hold plant",
     "rollout start brake-disc@1 --waves 0", "rollout start brake-disc@1 --on-failure later",
     "rollout start brake-disc@1 --observe nan", "rollout start brake-disc@1 --soak 1w",
     "camera test rtsp://127.0.0.1/a --seconds nan",
     "release create brake-disc", "release create brake-disc --image m --conf 2", "detect",
     "release create x --image m --meant dent",
     "config set colour red", "config set language fr", "config set concurrency 0",
     "config set guard_seconds nan", "site create Plant", "app create a.b", "--bogus",
     "inventory export", "inventory export " + "x" * 300, "inventory backup " + "x" * 300,
     "bundle show " + "a/" * 2100],
    ids=lambda line: line[:60],
)  # fmt: skip
def test_what_is_not_well_formed_is_2(line: str, run: Run, filled: Home) -> None:
    before = contents(filled.root)
    is_error(run(*line.split()), 2)
    assert contents(filled.root) == before


def test_hostile_words_do_not_reach_the_terminal(run: Run, home: Home) -> None:
    for word in ("\x1b[31mred", "a\nb", "--\x1b]0;title\x07", "-o\x1b[2J", "\u202eabc", "x" * 9999):
        for line in ([word], ["site", word], ["status", word], ["status", "-o", word]):
            answer = run(*line)
            is_error(answer, 2)
            assert len(answer.err) < 1500


@pytest.mark.parametrize("name", ["site", "rollout", "inventory"])
def test_a_group_alone_shows_its_help_and_is_2(name: str, run: Run) -> None:
    answer = run(name)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"Usage: yolodeploy {name} ")


def test_dangerous_commands_want_a_yes(run: Run, filled: Home) -> None:
    before = contents(filled.root)
    for line in ("site remove plant", "site stop plant", "rollout abort r-1", "rollout undo r-1",
                 "rollout approve r-1",
                 "inventory restore /nowhere", "site reset plant",
                 "device remove d1"):  # fmt: skip
        answer = run(*line.split())
        is_error(answer, 2)
        assert "--yes" in answer.err
    assert contents(filled.root) == before


def test_what_a_site_is_comes_before_what_is_installed_here(
    run: Run, filled: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else somebody installs Ansible to learn that there is nothing to provision."""
    from yolodeploy.ops import plays, provisioning

    def absent() -> Path:
        raise errors.Refused("play.no_ansible")

    for module in (plays, provisioning):
        monkeypatch.setattr(module, "program", absent)
    for line in ("site provision plant --online", "site reset plant --yes", "site renew plant"):
        assert "no hosts that could be provisioned" in run(*line.split()).err


# exit codes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [(errors.Failed("site.no_answer", instance="a", reason="b"), 1),
     (errors.UsageError("wave.invalid", spec="x", part="x"), 2),
     (errors.Unreachable("site.unreachable", site="plant", reason="no route"), 3),
     (errors.RolledBack("rollout.guard", site="plant", reason="deadline"), 4),
     (errors.Interrupted("ops.interrupted"), 130)],
)  # fmt: skip
def test_each_kind_of_error_has_its_exit_code(
    error: errors.YolodeployError, code: int, run: Run, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raises(_home: Home) -> None:
        raise error

    monkeypatch.setattr("yolodeploy.ops.doctor.examine", raises)
    assert run("doctor").code == code


def test_what_nobody_expected_is_one_error_and_a_traceback_on_demand(
    run: Run, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_home: Home) -> None:
        raise ZeroDivisionError("a\nbug\x1b[31m")

    monkeypatch.setattr("yolodeploy.ops.doctor.examine", breaks)
    answer = run("doctor")
    assert (answer.code, answer.out) == (1, "")
    assert len(answer.err.splitlines()) == 2
    assert "\x1b" not in answer.err
    monkeypatch.setenv("YOLODEPLOY_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run("doctor")


def test_an_operation_gives_its_exit_code_to_whoever_follows(run: Run, filled: Home) -> None:
    for number, code in enumerate((0, 1, 3, 4, 130), 2):
        with open_inventory(filled.inventory) as inventory:
            operations.create_operation(inventory, f"op-{number}", "rollout", {}, at=0)
            state = operations.OperationState.FAILED if code else operations.OperationState.DONE
            operations.finish(inventory, f"op-{number}", state, code, at=1)
        assert run("operations", "follow", f"op-{number}").code == code


def test_ctrl_c_ends_the_following_and_not_the_operation(filled: Home) -> None:
    with open_inventory(filled.inventory) as inventory:
        operations.create_operation(inventory, "op-9", "rollout", {}, at=time.time())
        operations.started(inventory, "op-9", os.getpid(), boot_id(), at=time.time())
        fields = {"rollout": "r-1", "release": "brake-disc@1"}
        operations.append_event(inventory, "op-9", "info", "progress.resumed", fields, at=0)
        process = started("operations", "follow", "op-9", home=filled.root)
        assert process.stderr is not None
        assert b"brake-disc@1" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=300)
        assert process.returncode == 130
        assert b"yolodeploy operations follow op-9" in err
        assert b"Traceback" not in err
        assert operations.get_operation(inventory, "op-9").ended_at is None
        operations.finish(inventory, "op-9", operations.OperationState.DONE, 0, at=time.time())


def test_a_lost_operation_is_told_and_not_waited_for(run: Run, filled: Home) -> None:
    with open_inventory(filled.inventory) as inventory:
        operations.create_operation(inventory, "op-8", "rollout", {}, at=time.time())
        operations.started(inventory, "op-8", 2**22 - 1, boot_id(), at=time.time())
        operations.create_operation(inventory, "op-7", "rollout", {"rollout": "r-3"}, at=0)
        operations.started(inventory, "op-7", 2**22 - 1, boot_id(), at=0)
    answer = run("operations", "follow", "op-8")
    is_error(answer, 1)
    assert "its process is gone" in answer.err
    assert "yolodeploy rollout resume r-3\n" in run("operations", "follow", "op-7").err
    assert "lost" in run("operations").out


# names --------------------------------------------------------------------------------------------

HOSTILE = [
    "../../etc", "/etc/passwd", "a b", "😀", "x" * 10_000, "", "a\x00b", "a\nb", "\x1b[31mred",
    "\u202egnp", "厂区", "a/b", "%s", "{0}", "'; DROP TABLE sites; --", "~", "*", "\udcff\udcfe",
    "r-99999999999999999999", "sha256:", "brake-disc@0", "@", "plant/../..",
]  # fmt: skip
NAMING = [
    "camera add x --site {} --url x", "camera list --site {}", "camera edit {} --site plant",
    "camera show {} --site plant", "camera remove {} --site plant --yes",
    "camera history {}", "camera undo {}",
    "site show {}", "site create {}", "site adopt {}", "site remove {} --yes", "site start {}",
    "site stop {} --yes", "site hold {} --reason x", "site unhold {}", "device show {}",
    "device hold {} --reason x", "device edit {} --label a=b", "model show {}", "app show {}",
    "app create {}", "image show {}", "image build {}", "release show {}", "release diff {} {}",
    "release create {} --image brake-disc-v1", "release create brake-disc --image {}",
    "release list --app {}", "rollout plan {}", "rollout start {}", "rollout status {}",
    "rollout pause {}", "rollout watch {}", "rollout resume {}", "rollout abort {} --yes",
    "rollout undo {} --yes", "rollout plan brake-disc@1 --site {}", "rollout approve {} --yes",
    "rollout undo --to {} --yes", "rollout undo --to brake-disc@1 --site {} --yes",
    "rollout plan brake-disc@1 --select ,{}", "site list --select ,{}", "site edit {} --label a=b",
    "site window {}", "site window plant {} --zone UTC",
    "site window plant --freeze {}",
    "rollout plan brake-disc@1 --waves {}", "rollout plan brake-disc@1 --wave {}",
    "operations follow {}", "status --site {}", "device list --site {}", "latency --site {}",
    "latency --app {}", "latency --by {}", "latency --last {}", "latency --since {}",
    "latency --until {}", "latency --release {}", "latency --quantiles {}",
    "latency --device {}", "latency --source {}", "events --site {}", "events --device {}",
    "logs --site {}", "logs --app {}", "logs --device {}", "detect {}",
    "model add {}", "model add m.onnx --name {}", "inventory restore {} --yes",
    "release create brake-disc --image brake-disc-v1 --gates {}", "app create x --frames {}",
    "config set {} 1", "config set concurrency {}", "image build brake-disc-v1 --name {}",
    "image build brake-disc-v1 --base {}",
    "device add {} root@127.0.0.1:1 --site plant --offline",
    "device add g1 {} --site plant --offline",
    "device add g1 root@127.0.0.1:1 --site {} --offline",
    "device add g1 root@127.0.0.1:1 --site plant --offline --identity {}",
    "device import {}", "device remove {} --yes", "site create {} --k3s",
    "site provision {} --online", "site provision plant --online --device {}",
    "site reset {} --yes", "operations cancel {}",
    "site upgrade {} --online --yes", "site backup {}", "site restore {} --yes",
    "site renew {}", "site account {}", "site account x --namespace {}",
    "device replace {} --online --yes",
]  # fmt: skip


def changed(folder: Path) -> dict[str, bytes | None]:
    """What is in a folder; that a layout was made ready for a build is no matter."""
    return {k: v for k, v in contents(folder).items() if not k.startswith("home/images")}


@pytest.mark.parametrize("line", NAMING)
def test_hostile_names_are_answered_in_two_lines(
    line: str, run: Run, filled: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = changed(tmp_path)
    for name in HOSTILE:
        if name == "" and ("--name" in line or "--frames" in line):
            continue  # the default
        if name.startswith("r-9") and "create {}" in line:
            continue  # long, and yet a name
        answer = run(*(word.replace("{}", name) for word in line.split()))
        assert answer.code in (1, 2), (name, answer)
        is_error(answer, answer.code)
        assert len(answer.err) < 2500
    assert changed(tmp_path) == before


def test_texts_of_people_are_kept_on_one_line(run: Run, filled: Home) -> None:
    for text in ({*HOSTILE} - {"a\x00b"}) | {"night shift"}:
        for line in (["site", "hold", "plant"], ["device", "hold", "d1"]):
            answer = run(*line, "--reason", text)
            assert answer.code == 0
            assert len(answer.err.splitlines()) == 1
        shown = [run("site", "show", "plant"), run("status", "-o", "wide"), run("events")]
        for answer in shown:
            assert answer.code == 0
            assert "\x1b" not in answer.out + answer.err
        assert run("app", "create", "brake-disc", "--description", text).code == 0
        assert run("device", "edit", "d1", "--label", f"a={text}").code == 0
        for form in ("json", "yaml", "jsonl"):
            assert run("events", "-o", form).code == 0


# languages ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["site show x", "model add /nowhere.onnx", "rollout status r-9",
                                  "app create A", "site remove plant", "rolout", "rollout start",
                                  "status --refres", "status -o", "status -o xml", "status extra",
                                  "events --limit 0", "rollout plan a@1 --between soon",
                                  "rollout plan a@1 --observe nan"])  # fmt: skip
def test_errors_are_told_in_chinese(
    line: str, run: Run, filled: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YOLODEPLOY_LANGUAGE", "zh")
    answer = run(*line.split())
    is_error(answer, answer.code)
    first, second = answer.err.splitlines()
    assert re.search("[\u4e00-\u9fff]", first)
    assert second.startswith("  解决方法：")


def test_tables_of_events_and_sites_are_in_chinese_too(
    run: Run, filled: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_inventory(filled.inventory) as inventory:
        add_event(inventory, "plant", "{of a later version", at=0)
    monkeypatch.setenv("YOLODEPLOY_LANGUAGE", "zh")
    events = run("events").out
    assert "已启动" in events
    assert "instance.started" not in events
    assert "{of a later version" in events
    assert "brake-disc:已提交" in run("site", "list").out
    assert "instance.started" in {
        row["code"] for row in json.loads(run("events", "-o", "json").out)
    }
    assert json.loads(run("site", "list", "-o", "json").out)[0]["apps"] == ["brake-disc:committed"]


def test_the_language_of_the_machine_is_taken(home: Home) -> None:
    environment = {"YOLODEPLOY_LANGUAGE": "auto", "LC_ALL": "zh_CN.UTF-8"}
    assert "没有站点" in program("site", "start", "x", home=home.root, **environment).err
    environment["LC_ALL"] = "C"
    assert "no site" in program("site", "start", "x", home=home.root, **environment).err


# terminals and pipes ------------------------------------------------------------------------------


def test_a_reader_that_has_seen_enough_is_no_error(filled: Home) -> None:
    with open_inventory(filled.inventory) as inventory, inventory.transaction():
        for _ in range(9000):
            add_event(inventory, "plant", "instance.started", at=0, detail="x" * 50)
    for form in ("table", "json", "jsonl", "name"):
        process = started("events", "--limit", "10000", "-o", form, home=filled.root)
        assert process.stdout is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        process.stderr.close()
        assert process.wait(300) == 0


def test_a_full_disk_behind_stdout_is_one_error(filled: Home) -> None:
    import subprocess
    import sys

    script = "from yolodeploy.cli.main import run; import sys; run()"
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-P", "-c", script, "config", "show"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=300,
        )  # fmt: skip
    assert ended.returncode == 1
    assert "the output cannot be written: No space left" in ended.stderr
    assert len(ended.stderr.splitlines()) == 2


def test_a_stream_that_was_closed_is_for_nobody(filled: Home) -> None:
    """`status >&-`, as scripts and cron have it; a file that is opened must not take its place."""
    for closed, out in (
        (">&-", ""),
        ("2>&-", "d1\nd2\n"),
        ("<&-", "d1\nd2\n"),
        ("<&- >&- 2>&-", ""),
    ):
        shell = ("sh", "-c", f'exec "$@" {closed}', "sh")
        answer = program("device", "list", "-o", "name", home=filled.root, prefix=shell)
        assert (answer.code, answer.out, answer.err) == (0, out, "")
        assert program("site", "show", "x", home=filled.root, prefix=shell).code == 1


def test_without_a_terminal_the_bare_command_prints_help(home: Home) -> None:
    answer = program(home=home.root)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("Usage: yolodeploy ")
    assert contents(home.root) == contents(Home(home.root).root)


def test_the_console_script_has_the_exit_code(filled: Home) -> None:
    assert program("status", home=filled.root).code == 0
    is_error(program("site", "show", "x", home=filled.root), 1)
    is_error(program("statu", home=filled.root), 2)
    is_error(program("site", "create", b"\xff\xfe", home=filled.root), 2)
    is_error(program("model", "add", b"/nowhere/\xff.onnx", home=filled.root), 1)


def test_the_table_of_commands_is_the_tree() -> None:
    assert set(COMMANDS) == {path.split()[0] for path in PATHS}
    assert isinstance(yolodeploy, click.Group)
