"""If these fail, a file that somebody was sent runs a program on the machine that deploys.

None of them needs torch: what is hostile must be refused before torch is loaded. That torch's
loader refuses it too is in `test_live.py`.
"""

from __future__ import annotations

import builtins
import functools
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exporter.checkpoints import Calls, archive, called, instance, pickled
from yolodeploy.cli.main import main
from yolodeploy.core.errors import Refused as Refusal
from yolodeploy.exporter.allowed import is_allowed
from yolodeploy.exporter.archive import names_in
from yolodeploy.exporter.errors import Refused
from yolodeploy.ops.home import Home
from yolodeploy.ops.model_intake import take_in


def _shell(mark: Path) -> object:
    return Calls(os.system, f"touch {mark}")


def _popen(mark: Path) -> object:
    return Calls(subprocess.check_output, ["touch", str(mark)])


def _getattr_chain(mark: Path) -> object:
    return Calls(Calls(getattr, Calls(__import__, "os"), "system"), f"touch {mark}")


def _evaluated(mark: Path) -> object:
    return Calls(builtins.eval, f"open({str(mark)!r}, 'w')")


def _opened(mark: Path) -> object:
    return Calls(open, str(mark), "w")


def _partial(mark: Path) -> object:
    return Calls(Calls(functools.partial, os.system, f"touch {mark}"))


def _by_path(mark: Path) -> object:
    return Calls(Path.touch, mark)


HOSTILE: dict[str, Callable[[Path], bytes]] = {
    **{
        make.__name__: lambda mark, make=make: pickled({"model": make(mark)})  # type: ignore[misc]
        for make in (_shell, _popen, _getattr_chain, _evaluated, _opened, _partial, _by_path)
    },
    # torch's own: each loads, compiles or runs what its arguments say
    "hub": lambda mark: called("torch.hub", "load", f"{mark}/..", "touch"),
    "torch.load": lambda mark: called("torch", "load", str(mark)),
    "jit": lambda mark: called("torch.jit._script", "script", str(mark)),
    "cpp": lambda mark: called("torch.utils.cpp_extension", "load", "x", [str(mark)]),
    "loader": lambda mark: called("torch.utils.data.datapipes", "x", str(mark)),
    "wrapper": lambda _mark: called("torch._utils", "_rebuild_wrapper_subclass"),
    "inductor": lambda mark: called("torch._inductor.codecache", "x", str(mark)),
    # names that only look allowed
    "near ultralytics": lambda mark: called("ultralyticsx.nn.tasks", "DetectionModel", str(mark)),
    "near torch": lambda mark: called("torch.nn.modulesx", "Conv2d", str(mark)),
    "near pathlib": lambda mark: called("pathlibx", "PosixPath", str(mark)),
    "dotted": lambda mark: called("torch.nn.modules.conv", "torch.os.system", f"touch {mark}"),
    "python 2": lambda mark: called("__builtin__", "eval", f"open({str(mark)!r}, 'w')"),
    "commands": lambda mark: called("commands", "getoutput", f"touch {mark}"),
    "posix": lambda mark: called("posix", "system", f"touch {mark}"),
    "reconstructor": lambda mark: called("copy_reg", "_reconstructor", str(mark)),
    # opcodes of other protocols, which reach a name in other ways
    "stack global": lambda mark: pickle.dumps({"model": _shell(mark)}, protocol=4),
    "inst": lambda mark: f"(S'touch {mark}'\nios\nsystem\n.".encode(),
    "obj": lambda mark: f"(cos\nsystem\nS'touch {mark}'\no.".encode(),
    "extension": lambda _mark: b"\x80\x02\x82\x01.",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_checkpoint_that_would_run_something_is_refused_and_nothing_runs(
    name: str, tmp_path: Path, home: Home
) -> None:
    mark = tmp_path / "it-ran"
    path = archive(tmp_path / "best.pt", HOSTILE[name](mark))
    with pytest.raises(Refusal) as raised:
        take_in(home, path)
    assert raised.value.code == "export.runs_code"
    assert len(raised.value.text().splitlines()) == 1
    assert raised.value.remedy("zh")
    assert not mark.exists()
    assert [path for path in home.models.rglob("*") if path.is_file()] == []


def test_they_would_run_where_anybody_unpickles_them(tmp_path: Path) -> None:
    """Else the tests above prove nothing."""
    for number, name in enumerate(("_shell", "_getattr_chain", "_opened", "_evaluated", "inst")):
        mark = tmp_path / f"it-ran-{number}"
        pickle.loads(HOSTILE[name](mark))
        assert mark.exists(), name


def test_hostile_pickles_deeper_in_the_archive_are_never_opened(tmp_path: Path, home: Home) -> None:
    mark = tmp_path / "it-ran"
    inner = pickle.dumps(_shell(mark), protocol=2)
    good = instance("ultralytics.nn.tasks", "DetectionModel", {"yaml": {}})
    archive(tmp_path / "best.pt", good, data__0=inner, nested__data=inner, **{"data.pkl~": inner})
    with pytest.raises(Refusal):
        take_in(home, tmp_path / "best.pt")
    nested = archive(tmp_path / "inner.pt", inner).read_bytes()
    path = archive(tmp_path / "outer.pt", pickled({"model": nested}), data__0=nested)
    with pytest.raises(Refusal):
        take_in(home, path)
    assert not mark.exists()


def test_the_command_says_it_in_two_lines(
    tmp_path: Path, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = tmp_path / "it-ran"
    path = archive(tmp_path / "best.pt", HOSTILE["_shell"](mark))
    assert main(["model", "add", str(path)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    told = [line for line in said.err.splitlines() if "opening" not in line]
    assert len(told) == 2
    assert "posix.system" in told[0]
    assert not mark.exists()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"no archive, no pickle", "export.not_checkpoint"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "export.not_checkpoint"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "export.old_format"),
        (pickle.dumps({"model": 1}), "export.old_format"),
        (bytes(257) + b"ustar" + bytes(300), "export.old_format"),
        (b"PK\x03\x04" + bytes(60), "export.damaged"),
    ],
    ids=["text", "picture", "torch 1.5", "bare pickle", "tar", "beginning of an archive"],
)
def test_what_is_no_checkpoint(content: bytes, code: str, tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    path.write_bytes(content)
    with pytest.raises(Refused) as raised:
        names_in(path)
    assert raised.value.code == code


def test_a_checkpoint_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = archive(
        tmp_path / "best.pt",
        instance("ultralytics.nn.tasks", "DetectionModel", {"names": ["a"] * 50}),
        data__0=bytes(1000),
    ).read_bytes()
    assert names_in(tmp_path / "best.pt") == {"ultralytics.nn.tasks.DetectionModel"}
    for length in (*range(1, 60), *range(60, len(whole), 97)):
        (tmp_path / "best.pt").write_bytes(whole[:length])
        with pytest.raises(Refused):
            names_in(tmp_path / "best.pt")


def test_a_flipped_bit_is_seen(tmp_path: Path) -> None:
    good = instance("ultralytics.nn.tasks", "DetectionModel", {})
    content = bytearray(archive(tmp_path / "best.pt", good, data__0=bytes(1000)).read_bytes())
    content[content.index(bytes(900)) + 100] ^= 1
    (tmp_path / "best.pt").write_bytes(content)
    assert _code(tmp_path / "best.pt") == "export.damaged"


def test_archives_that_are_not_as_torch_packs_them(tmp_path: Path) -> None:
    good = instance("ultralytics.nn.tasks", "DetectionModel", {})
    path = tmp_path / "best.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:  # a gigabyte in a megabyte
        file.writestr("best/data.pkl", good)
        file.writestr("best/data/0", bytes(100 << 20))
    assert _code(path) == "export.bomb"
    with zipfile.ZipFile(path, "w") as file:
        for number in range(20_001):
            file.writestr(f"best/data/{number}", b"")
    assert _code(path) == "export.bomb"
    archive(path, good, **{"code__network.py": b"", "constants.pkl": b""})
    assert _code(path) == "export.torchscript"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("best/data.pkl", good)
        file.writestr("other/data.pkl", HOSTILE["_shell"](tmp_path / "x"))
    assert _code(path) == "export.damaged"
    with zipfile.ZipFile(path, "w") as file, pytest.warns(UserWarning):
        file.writestr("best/data.pkl", good)
        file.writestr("best/data.pkl", HOSTILE["_shell"](tmp_path / "x"))
    assert _code(path) == "export.damaged"
    archive(path, b"\x80\x02" + b"N0" * 6_000_000 + b".")
    assert _code(path) in {"export.bomb", "export.runs_code"}


def _code(path: Path) -> str:
    with pytest.raises(Refused) as raised:
        names_in(path)
    return raised.value.code


@given(st.text(), st.text())
def test_no_other_name_is_allowed(module: str, name: str) -> None:
    if not module.startswith(("torch", "ultralytics", "collections", "builtins", "_codecs", "numpy",
                              "pathlib")):  # fmt: skip
        assert not is_allowed(f"{module}.{name}")


def test_a_sound_checkpoint_needs_ultralytics_and_the_command_is_named(
    tmp_path: Path, home: Home
) -> None:
    """In a Python without it, which CI's is."""
    probe = subprocess.run([sys.executable, "-c", "import torch"], check=False, capture_output=True)
    if probe.returncode == 0:
        pytest.skip("this Python has torch")
    path = archive(tmp_path / "best.pt", instance("ultralytics.nn.tasks", "DetectionModel", {}))
    with pytest.raises(Refusal) as raised:
        take_in(home, path)
    assert raised.value.code == "export.needs_export"
    assert sys.executable in raised.value.text()
    assert "pip install 'yolodeploy[export]'" in raised.value.remedy()
