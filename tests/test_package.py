"""The package as a whole: what it loads, what importing it does, and what the wheel holds.

If these fail, every command gets slow, importing has effects, or an installation lacks its parts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from yolodeploy.inventory import devices, sites
from yolodeploy.inventory.connection import open_inventory
from yolodeploy.ops.home import Home

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "yolodeploy"
HEAVY = {
    "kubernetes", "docker", "textual", "ansible_runner", "sqlite_utils", "torch", "ultralytics",
    "numpy", "cv2", "onnxruntime", "urllib3", "stamina", "tenacity", "supervisor", "yaml", "rich",
    "backports",
}  # fmt: skip


def python(script: str, *arguments: str, **environment: str) -> str:
    """What a script prints in a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-P", "-c", script, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()[-1]


@pytest.fixture
def fleet(home: Home) -> Home:
    """An inventory with a site and a hundred devices."""
    with open_inventory(home.inventory) as inventory, inventory.transaction():
        sites.add_site(inventory, "plant", "embedded", "/srv", at=0)
        for number in range(100):
            devices.add_device(inventory, "plant", f"d{number}", "127.0.0.1", at=0)
    return home


LOADED = """
import sys, json
from yolodeploy.cli.main import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]))
"""


@pytest.mark.parametrize(
    "line",
    ["", "--help", "--version", "status", "status -o json", "device list", "site list",
     "rollout list", "latency", "events", "operations", "config show", "rollout --help"],
)  # fmt: skip
def test_what_only_reads_loads_nothing_heavy(line: str, fleet: Home) -> None:
    code, modules = json.loads(python(LOADED, *line.split()))
    assert code == 0
    assert {name.partition(".")[0] for name in modules} & HEAVY == set()


def test_help_loads_click_and_little_else(fleet: Home) -> None:
    _, modules = json.loads(python(LOADED, "--help"))
    ours = [name for name in modules if name.startswith("yolodeploy")]
    assert {name.split(".")[1] for name in ours if "." in name} == {"cli", "core"}
    assert {"sqlite3", "msgspec", "asyncio"} & set(modules) == set()


MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if path.name != "__main__.py" and path.relative_to(PACKAGE).parts[0] not in ("serve", "tui")
)
EFFECTS = """
import importlib, json, signal, sys, threading
handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
found = {}
for name in sys.argv[1:]:
    importlib.import_module(name)
    if threading.active_count() > 1:
        found[name] = "a thread"
    if {number: signal.getsignal(number) for number in signal.valid_signals()} != handlers:
        found[name] = "a signal handler"
print(json.dumps(found))
"""


def test_importing_does_nothing(tmp_path: Path) -> None:
    places = {"HOME": "", "YOLODEPLOY_HOME": "h", "XDG_CONFIG_HOME": "c", "XDG_DATA_HOME": "d",
              "XDG_CACHE_HOME": "k", "XDG_RUNTIME_DIR": "r", "TMPDIR": "t"}  # fmt: skip
    environment = {name: str(tmp_path / part) for name, part in places.items()}
    assert len(MODULES) > 100
    assert json.loads(python(EFFECTS, *MODULES, **environment)) == {}
    assert list(tmp_path.iterdir()) == []


def test_the_rooms_import_only_what_lies_below(tmp_path: Path) -> None:
    ended = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout
    assert " 0 broken" in ended.stdout


def test_every_room_says_what_it_is_for() -> None:
    for path in PACKAGE.rglob("__init__.py"):
        assert path.read_text().startswith('"""'), path


# the wheel ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built as a release would build it."""
    folder = tmp_path_factory.mktemp("wheel")
    ended = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--disable-pip-version-check",
         "--wheel-dir", folder, ROOT],
        capture_output=True, text=True, timeout=170, check=False,
    )  # fmt: skip
    if ended.returncode and "hatchling" in ended.stderr and "No matching" in ended.stderr:
        pytest.skip("no network: hatchling cannot be had")
    assert ended.returncode == 0, ended.stderr
    [built] = folder.glob("*.whl")
    return built


def test_the_wheel_holds_what_ships(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    for source, target in build["targets"]["wheel"]["force-include"].items():
        place = ROOT / source
        files = [path for path in place.rglob("*") if path.is_file()] if place.is_dir() else [place]
        wanted = {
            str(Path(target) / path.relative_to(place))
            for path in files
            if "__pycache__" not in path.parts and not path.name.startswith(".")
        }
        assert wanted <= names, source
    code = {
        str(path.relative_to(ROOT))
        for path in PACKAGE.rglob("*")
        if path.suffix in {".py", ".tcss"}
    }
    assert code <= names
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in names)
    assert not any(name.endswith((".pyc", ".db", ".log")) for name in names)


def test_what_is_installed_finds_its_examples(wheel: Path, tmp_path: Path) -> None:
    """The quickstart of an installation must not need a checkout."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    script = (
        "from yolodeploy.ops.shipped import shipped;"
        "from yolodeploy.ops.pictures import pictures_in;"
        "place = shipped('examples/brake_disc');"
        "print(place, len(pictures_in(place / 'frames')), len(list(place.glob('models/*.onnx'))))"
    )
    place, frames, models = python(script, PYTHONPATH=str(tmp_path)).rsplit(" ", 2)
    assert Path(place).is_relative_to(tmp_path)
    assert int(frames) >= 10
    assert int(models) == 3


def test_the_light_install_names_no_heavy_package() -> None:
    """torch and ultralytics never come with it; engines are extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    light = " ".join(project["dependencies"])
    for name in ("torch", "ultralytics", "onnx", "numpy", "opencv", "ansible", "docker"):
        assert name not in light
    assert project["scripts"]["yolodeploy"] == "yolodeploy.cli.main:run"
