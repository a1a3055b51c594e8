"""The Dockerfiles and their pins, without a Docker engine; those that build are in tests/bases."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
PIN = re.compile(r"^([a-z0-9-]+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.M)
RECIPES = ("cpu", "cuda", "jetson")
PARTS = ("openvino", "streams", "tracking")
NEEDED_BY_THOSE = {
    "anyio", "click", "flatbuffers", "h11", "idna", "packaging", "protobuf", "typing-extensions",
}  # fmt: skip
CUDA = {
    "nvidia-cublas", "nvidia-cuda-nvrtc", "nvidia-cuda-runtime", "nvidia-cudnn-cu13",
    "nvidia-cufft", "nvidia-curand", "nvidia-nvjitlink",
}  # fmt: skip


def pins(file: Path) -> dict[str, str]:
    text = file.read_text()
    found = {name: version for name, version, _ in PIN.findall(text)}
    rest = PIN.sub("", text)
    assert all(line.startswith("#") for line in rest.splitlines()), "a line is no pin with hashes"
    return found


def asked(file: Path) -> dict[str, Requirement]:
    lines = (line for line in file.read_text().splitlines() if line and not line.startswith("#"))
    return {requirement.name: requirement for requirement in map(Requirement, lines)}


def extra(name: str) -> dict[str, Requirement]:
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    texts = project["optional-dependencies"][name]
    return {requirement.name: requirement for requirement in map(Requirement, texts)}


def serving() -> dict[str, Requirement]:
    """What the server imports: the extra, and msgspec, which yolodeploy itself depends on."""
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    [msgspec] = [one for one in map(Requirement, project["dependencies"]) if one.name == "msgspec"]
    return {**extra("serve"), "msgspec": msgspec}


def instructions(images: Path, recipe: str) -> list[str]:
    text = (images / recipe / "Dockerfile").read_text()
    joined = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return [" ".join(line.split()) for line in joined.splitlines() if line.strip()]


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_image_runs_what_the_serve_extra_allows(images: Path, recipe: str) -> None:
    """Else a server that works here does not start on a gateway."""
    wanted = serving()
    engine = wanted.pop("onnxruntime")
    pinned = pins(images / recipe / "requirements.txt")
    for name, requirement in wanted.items():
        assert Version(pinned[name]) in requirement.specifier, requirement
    version = pinned.get("onnxruntime", pinned.get("onnxruntime-gpu"))
    assert recipe == "jetson" or Version(version or "0") in engine.specifier
    given = set(asked(images / recipe / "requirements.in"))
    of_their_own = {
        "cpu": {"onnxruntime"},
        "cuda": {"onnxruntime-gpu", *extra("gpu")},
        "jetson": {"flatbuffers", "packaging", "protobuf"},  # of the wheel that is brought
    }
    assert given == wanted.keys() | of_their_own[recipe]


@pytest.mark.parametrize("recipe", RECIPES)
def test_nothing_is_in_the_image_that_the_server_does_not_need(images: Path, recipe: str) -> None:
    """Every megabyte goes over a slow link to every gateway."""
    given = set(asked(images / recipe / "requirements.in"))
    needed = NEEDED_BY_THOSE | (CUDA if recipe == "cuda" else set())
    assert set(pins(images / recipe / "requirements.txt")) == given | needed


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_an_extra(images: Path, part: str) -> None:
    pinned = pins(images / "parts" / f"{part}.txt")
    assert pinned.keys() == extra(part).keys() == asked(images / "parts" / f"{part}.in").keys()
    for name, requirement in extra(part).items():
        assert Version(pinned[name]) in requirement.specifier


def test_every_recipe_and_part_has_its_files(images: Path) -> None:
    lock = tomllib.loads((images / "lock.toml").read_text())
    assert tuple(lock) == RECIPES
    for name, recipe in lock.items():
        default = next(line for line in instructions(images, name) if line.startswith("ARG PARTS"))
        assert default == f'ARG PARTS="{" ".join(recipe["parts"])}"'
        assert set(recipe["parts"]) <= set(PARTS)


@pytest.mark.parametrize("recipe", RECIPES)
def test_an_empty_pin_ends_the_build_and_none_is_invented(images: Path, recipe: str) -> None:
    lines = instructions(images, recipe)
    assert lines[0] == "ARG BASE"  # no default
    assert re.match(r"FROM \$\{BASE:\?\S+\} AS \w+$", lines[1])
    stages = {line.split()[-1] for line in lines if re.search(r"^FROM .* AS ", line)} | {"scratch"}
    assert all(line.split()[1] in stages for line in lines[2:] if line.startswith("FROM"))
    lock = tomllib.loads((images / "lock.toml").read_text())[recipe]
    for table in ("debs", "key"):
        if table in lock:
            argument = lock[table]["argument"]
            assert f"ARG {argument}" in lines
            assert any(f"${{{argument}:?is-empty" in line for line in lines)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_last_stages_have_no_rights_no_tools_and_tell_nobody(images: Path, recipe: str) -> None:
    lines = instructions(images, recipe)
    last = lines[lines.index("FROM scratch AS base") :]
    assert "USER 65532:65532" in last
    assert [line for line in last if line.startswith("COPY")] == [
        "COPY --from=stripped / /",
        "COPY --from=packages /opt/runtime /opt/runtime",
    ]
    assert not [line for line in last if line.startswith(("RUN", "ADD"))]
    assert any("ORT_DISABLE_TELEMETRY=1" in line for line in last if line.startswith("ENV"))
    below = lines[: lines.index("FROM root AS packages")]
    assert not re.search(r"pip|gcc|build-essential|python3-dev|-dev\b", " ".join(below))


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_builder_of_2020_can_build_it(images: Path, recipe: str) -> None:
    """Docker 20.10 without internet fetches no frontend, cannot link copies or check an ADD."""
    text = (images / recipe / "Dockerfile").read_text()
    assert "syntax=" not in text
    assert "--link" not in text
    assert "--checksum" not in text


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_linter_finds_nothing(images: Path, recipe: str) -> None:
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists():
        pytest.skip("hadolint is not installed (pip install -e '.[dev]')")
    found = subprocess.run(
        [str(linter), "--no-color", str(images / recipe / "Dockerfile")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (found.returncode, found.stdout) == (0, "")


# Debian 12 has glibc 2.36, Ubuntu 24.04 has 2.39; TensorRT and JetPack's packages are not looked up
RESOLVED = [
    *(("cpu/requirements.txt", "2_36", python) for python in ("3.11", "3.13")),
    *((f"parts/{part}.txt", "2_36", python) for part in PARTS for python in ("3.11", "3.13")),
    ("cuda/requirements.txt", "2_39", "3.12"),
    ("jetson/requirements.txt", "2_39", "3.12"),
]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize(("file", "glibc", "python"), RESOLVED)
def test_pins_resolve_to_wheels_on_both_processors(
    images: Path, tmp_path: Path, file: str, glibc: str, python: str, machine: str
) -> None:
    """Looked up in the index with their hashes; nothing is downloaded."""
    if file.startswith("jetson") and machine == "x86_64":
        return  # there is no such device
    found = subprocess.run(
        [
            sys.executable, "-m", "uv", "pip", "install", "--no-config", "--dry-run", "--no-deps",
            "--require-hashes", "--only-binary=:all:", "--no-python-downloads", "--quiet",
            f"--python={sys.executable}", f"--target={tmp_path / 'nothing'}",
            f"--cache-dir={tmp_path / 'cache'}", f"--python-version={python}",
            f"--python-platform={machine}-manylinux_{glibc}", f"--requirement={images / file}",
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
