"""Every error that is raised has its text, in both languages, and a remedy that can be followed.

If these fail, somebody reads `<path>`, a bare code, or is sent to a command that is not there.
"""

from __future__ import annotations

import ast
import re
import shlex
import string
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, get_args

import click
import pytest

import yolodeploy
from yolodeploy.cli.main import yolodeploy as program
from yolodeploy.core import errors
from yolodeploy.core.beside import Way
from yolodeploy.core.camera_state import Phase as CameraPhase
from yolodeploy.core.capacity import Strategy
from yolodeploy.core.fates import Fate
from yolodeploy.core.gates import OUTRANKED, Verdict
from yolodeploy.core.messages import FILLED_IN, Message, message, table
from yolodeploy.core.messages.done import VERBS
from yolodeploy.core.steps import Outcome, SiteResult, Step
from yolodeploy.core.waves import Scope, Standing
from yolodeploy.images.sending.delivery import State as Sending
from yolodeploy.inventory.operations import OperationState
from yolodeploy.inventory.rollouts import RolloutState
from yolodeploy.oci.registry.transfers import Fate as Part
from yolodeploy.ops.actions import ACTIONS
from yolodeploy.ops.checked import Result
from yolodeploy.ops.finding import State as Found
from yolodeploy.ops.pending import Turn
from yolodeploy.provision.looking import CHECKS
from yolodeploy.telemetry import look

PACKAGE = Path(yolodeploy.__file__).parent
ROOMS = sorted(
    path.stem for path in (PACKAGE / "core/messages").glob("*.py") if path.stem != "__init__"
)
TELLING = {"tell", "said", "confirm"}  # cli.telling
SAYING = {"say", "UsageError", "BadParameter", "fail"}
KINDS = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.YolodeployError)
} | {"Busy", "sentence"}  # inventory.faults; what a journal keeps
CODE = re.compile(r"[a-z_]+(\.[a-z_]+)+")
WORD = re.compile(r"[a-z]{2,}")
NO_WORDS = ("yolodeploy: ", "http://", "/metrics")  # the same in every language
CONTEXT = program.context_settings
INTAKE = ("open", "build", "export", "prepare", "quantise", "compare", "probe")
# made up of two parts where they are said; every value is listed here
COMPOSED = {
    "progress": {o.value for o in Outcome if o is not Outcome.INTENDED}
    | {f"model_{step}" for step in INTAKE},
    "cluster": set(CHECKS),
    "plan": {way.value for way in Way} | {f"gets_{way.value}" for way in Way},
    "tui": {f"step.{step.value}" for step in Step}
    | {f"rollout.{state.value}" for state in RolloutState}
    | {f"result.{result.value}" for result in SiteResult}
    | {f"standing.{standing.value}" for standing in Standing}
    | {f"verdict.{verdict.value}" for verdict in Verdict}
    | {f"strategy.{strategy}" for strategy in ("surge", *get_args(Strategy))},
}


# what gates say their figures are
UNITS = {
    "share", "times", "ms", "s", "MiB", "frames/s", "lost", "gained", "missed", "false",
    "invalid boxes", OUTRANKED,
}  # fmt: skip


class Use(NamedTuple):
    """One place where a code is raised or said; `fields` is None where they are not literal."""

    code: str
    fields: frozenset[str] | None
    where: str
    told: bool  # to who typed a command, and nothing to be mended


def _codes(node: ast.expr) -> Iterator[str]:
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and CODE.fullmatch(node.value)
    ):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _codes(node.body)
        yield from _codes(node.orelse)


def _keys_of(name: str, scope: ast.AST) -> set[str] | None:
    """The keys of a dictionary that is a literal in the same function, for `**name`."""
    for node in ast.walk(scope):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Dict)
            and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
            and all(isinstance(key, ast.Constant) for key in node.value.keys)
        ):
            return {str(key.value) for key in node.value.keys if isinstance(key, ast.Constant)}
    return None


def _fields(call: ast.Call, scope: ast.AST) -> frozenset[str] | None:
    found: set[str] = set()
    for keyword in call.keywords:
        if keyword.arg is not None:
            found.add(keyword.arg)
            continue
        keys = _keys_of(keyword.value.id, scope) if isinstance(keyword.value, ast.Name) else None
        if keys is None:
            return None
        found |= keys
    return frozenset(found | set(VERBS) if "dry_run" in found else found)


def _uses_in(path: Path) -> Iterator[Use]:
    tree = ast.parse(path.read_text())
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    scope_of = {id(node): function for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and node.args):
            continue
        name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
        told = name in TELLING and path.parent.name == "cli"
        if told or name in KINDS or (name == "say" and isinstance(node.func, ast.Attribute)):
            scope = scope_of.get(id(node), tree)
            for code in _codes(node.args[0]):
                where = f"{path.relative_to(PACKAGE)}:{node.lineno}"
                yield Use(code, _fields(node, scope), where, told)


@cache
def uses() -> list[Use]:
    return [use for path in sorted(PACKAGE.rglob("*.py")) for use in _uses_in(path)]


@cache
def catalogue() -> dict[str, Message]:
    found = {}
    for room in ROOMS:
        module = import_module(f"yolodeploy.core.messages.{room}")
        found |= {f"{room}.{rest}": text for rest, text in module.MESSAGES.items()}
    return found


def fields_of(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_the_scan_sees_the_code() -> None:
    assert len(uses()) > 150
    assert {"name.invalid", "site.fenced", "ops.needs_yes"} <= {use.code for use in uses()}


def test_every_code_that_is_raised_has_a_text() -> None:
    missing = [use for use in uses() if use.code not in catalogue()]
    assert missing == []
    for room, rest in COMPOSED.items():
        assert {f"{room}.{value}" for value in rest} <= set(catalogue())
    for code in (look.LATE, look.BACK, look.GARBAGE, look.SHRUNK):
        assert message(code).en


def _titles() -> set[str]:
    """The titles of all columns of the command line; what has none is shown alone by its key."""
    found = set()
    for path in (PACKAGE / "cli").glob("*.py"):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)):
            name = getattr(getattr(node, "func", None), "id", "")
            if not isinstance(node, ast.Call) or name not in ("Column", "print_table"):
                continue
            title = node.args[1] if len(node.args) > 1 else None
            if "emit_one(" in text and isinstance(title, ast.Constant) and not title.value:
                title = node.args[0]
            parts = title.elts if isinstance(title, ast.List | ast.Tuple) else [title]
            found |= {str(one.value) for one in parts if isinstance(one, ast.Constant)}
    return found - {""}


def test_every_title_of_a_table_is_there_in_chinese() -> None:
    titles = _titles()
    assert {"last step", "approved by", "mend it with"} <= titles
    assert titles <= set(table.MESSAGES)
    for word in (
        {outcome.value for outcome in Outcome}
        | {scope.value for scope in Scope}
        | {fate.value for fate in Fate}
        | UNITS
        | {"surge", *get_args(Strategy)}
        | {"yes", "no", "never", "always", "unknown"}
        | {"ready", "not ready", "proved", "offline", "held", "switching", "trial", "reverting"}
        | {"running", "hangs", "none", *get_args(CameraPhase)}
        | {"BLOCKING", "warning"}
        | {
            one.value
            for kind in (OperationState, Turn, Found, Sending, Part, Result)
            for one in kind
        }
    ):
        assert f"word.{word}" in table.MESSAGES


def _said_in_english() -> Iterator[str]:
    """What commands say, ask or refuse in words of their own, where it stands."""
    for path in sorted((PACKAGE / "cli").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            func = getattr(node, "func", None)
            name = getattr(func, "attr", None) or getattr(func, "id", "")
            if not (isinstance(node, ast.Call) and node.args and name in {*SAYING, *TELLING}):
                continue
            for text in _texts_in(node.args[0]):
                if not CODE.fullmatch(text) and WORD.search(text):
                    yield f"{path.name}:{node.lineno}: {text}"


def _texts_in(node: ast.expr) -> Iterator[str]:
    """What an expression says whatever its values are."""
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.IfExp | ast.BinOp | ast.JoinedStr):
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr):
                yield from _texts_in(part)


def test_what_commands_say_ask_and_refuse_is_in_the_catalogue() -> None:
    """Else who reads Chinese is told in English what was done, or what a yes would do."""
    assert [told for told in _said_in_english() if not told.endswith(NO_WORDS)] == []


def _later(part: str) -> set[str]:
    return set(FILLED_IN) if part.startswith("remedy") else set()


def test_every_field_of_a_text_is_given_where_it_is_raised() -> None:
    """But for what a site does not know, and who keeps the error in a rollout's journal does."""
    wrong = [
        (use.where, use.code, part, sorted(missing))
        for use in uses()
        if use.fields is not None and use.code in catalogue()
        for part, template in catalogue()[use.code]._asdict().items()
        if (missing := fields_of(template) - use.fields - _later(part))
    ]
    assert wrong == []


def test_both_languages_say_the_same() -> None:
    for code, text in catalogue().items():
        assert text.en.strip(), code
        assert text.zh.strip(), code
        assert fields_of(text.en) == fields_of(text.zh), code
        if text.remedy_zh:
            assert text.remedy, code
            assert fields_of(text.remedy_zh) <= fields_of(text.remedy), code


def test_a_remedy_in_words_is_told_in_chinese_too() -> None:
    """A command is the same in every language; a sentence is not."""
    for code, text in catalogue().items():
        words = text.remedy and not text.remedy.startswith(
            ("yolodeploy ", "pip ", "ls ", "python ", "POST ", "{remedy}")
        )
        assert not words or text.remedy_zh, code


def test_every_error_has_a_remedy() -> None:
    narrated = ("progress.", "step.", "plan.", "engine.", "quickstart.", "settings.")
    raised = {use.code for use in uses() if not (use.told or use.code.startswith(narrated))}
    without = {code for code in raised if code in catalogue() and not catalogue()[code].remedy}
    assert without <= {"ops.interrupted"}


def _commands_in(text: str) -> Iterator[str]:
    """What follows each `yolodeploy ` in a remedy, up to the end of that command."""
    for found in re.finditer(r"(?<![\w=/.-])yolodeploy( [^;,()|\u0080-\uffff]*)", text):
        yield found[1].strip()


def _resolved(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that some words lead to, and the words that are left as its arguments."""
    command: click.Command = program
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(click.Context(command), rest[0])
        if found is None:
            raise AssertionError(f"there is no command {rest[0]!r} in {command.name}")
        command = found
        rest.pop(0)
    return command, rest


def _checked(line: str) -> None:
    # prose may follow a command: "yolodeploy operations shows what is running"
    words = shlex.split(line.replace("'", "").replace('"', ""))
    words = re.split(r"\s+(?:shows|then|that|again|with|when|or)\b", " ".join(words))[0].split()
    command, rest = _resolved(words)
    if isinstance(command, click.Group) and command is not program:
        assert command.invoke_without_command, f"{line!r} only prints help"
    known = {option for parameter in command.params for option in parameter.opts}
    for word in rest:
        if word.startswith("-"):
            assert word.split("=")[0] in known, f"{line!r}: no option {word}"
    arguments = [word for word in rest if not word.startswith("-")]
    room = [p for p in command.params if isinstance(p, click.Argument)]
    assert bool(arguments) >= any(parameter.required for parameter in room), f"{line!r}: of what?"
    many = any(parameter.nargs == -1 for parameter in room)
    takes_values = sum(
        1
        for parameter in command.params
        if isinstance(parameter, click.Option)
        and not parameter.is_flag
        and set(parameter.opts) & set(rest)
    )
    assert many or len(arguments) <= len(room) + takes_values, f"{line!r}: too many arguments"


REMEDIES = sorted(
    {
        (code, line)
        for code, text in catalogue().items()
        for part in ("remedy", "remedy_zh", "en")
        if part != "en" or code.startswith("tui.")
        for line in _commands_in(getattr(text, part))
        if re.match(r"[a-z]", line)
    }
)


@pytest.mark.parametrize(("code", "line"), REMEDIES)
def test_a_remedy_names_a_command_that_is_there(code: str, line: str) -> None:
    _checked(line)


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.id)
def test_the_command_of_an_action_is_there(action: object) -> None:
    line = action.command_for("plant-a", "a reason")  # type: ignore[attr-defined]
    program_name, *words = shlex.split(line)
    assert program_name == "yolodeploy"
    command, rest = _resolved(words)
    # click keeps the first help option that it makes: the one that the program has
    command.make_context(command.name, rest, parent=click.Context(program, **CONTEXT))
    for language in ("en", "zh"):
        assert "." not in action.title(language).split()[0]  # type: ignore[attr-defined]


def test_an_error_is_one_line_whatever_its_fields_are() -> None:
    hostile = [
        "\x1b[31mred",
        "a\nb",
        "\u202eright",
        "x" * 10_000,
        "{path}",
        "{0!x}",
        "\x00",
        "\udcff",
    ]
    for use in uses():
        for value in hostile:
            error = errors.Failed(use.code, **dict.fromkeys(use.fields or (), value))
            for language in ("en", "zh"):
                for text in (error.text(language), error.remedy(language)):
                    assert "\x1b" not in text
                    assert len(text.splitlines()) <= 1
                    assert len(text) < 4000
                    text.encode()


def test_a_code_that_nobody_wrote_is_shown_as_it_is() -> None:
    for code in ("nobody.wrote_this", "nothing", "", "..", "errors.x"):
        assert errors.Failed(code).text() == code
        assert errors.Failed(code).text("zh") == code


def test_the_tree_has_the_exit_codes_of_the_interface() -> None:
    codes = {
        kind.__name__: kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.YolodeployError)
    }
    assert {1, 2, 3, 4, 130} == set(codes.values())
    assert (codes["UsageError"], codes["Unreachable"], codes["RolledBack"]) == (2, 3, 4)
