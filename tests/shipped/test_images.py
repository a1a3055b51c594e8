"""The Dockerfile and its pins, without a Docker engine; docs/testing.md says where it was built."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
PIN = re.compile(r"^([a-z0-9-]+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.M)


def pins(images: Path) -> dict[str, str]:
    text = (images / "cpu" / "requirements.txt").read_text()
    found = {name: version for name, version, _ in PIN.findall(text)}
    rest = PIN.sub("", text)
    assert all(line.startswith("#") for line in rest.splitlines()), "a line is no pin with hashes"
    return found


def instructions(images: Path) -> list[str]:
    text = (images / "cpu" / "Dockerfile").read_text()
    joined = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return [" ".join(line.split()) for line in joined.splitlines() if line.strip()]


def test_the_image_runs_what_the_serve_extra_allows(images: Path) -> None:
    """Else a server that works here does not start on a gateway."""
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    wanted = [Requirement(text) for text in project["optional-dependencies"]["serve"]]
    wanted += [req for req in map(Requirement, project["dependencies"]) if req.name == "msgspec"]
    pinned = pins(images)
    for requirement in wanted:
        assert Version(pinned[requirement.name]) in requirement.specifier, requirement
    asked = (images / "cpu" / "requirements.in").read_text().splitlines()
    given = {Requirement(line).name for line in asked if line and not line.startswith("#")}
    assert given == {requirement.name for requirement in wanted}


def test_nothing_is_in_the_image_that_the_server_does_not_need(images: Path) -> None:
    """Every megabyte goes over a slow link to every gateway."""
    needed_by_those = {
        "anyio", "click", "flatbuffers", "h11", "idna", "packaging", "protobuf", "typing-extensions"
    }  # fmt: skip
    asked = (images / "cpu" / "requirements.in").read_text().splitlines()
    given = {Requirement(line).name for line in asked if line and not line.startswith("#")}
    assert set(pins(images)) == given | needed_by_those


def test_an_empty_base_ends_the_build_and_none_is_invented(images: Path) -> None:
    lines = instructions(images)
    assert lines[0] == "ARG BASE"  # no default
    assert re.match(r"FROM \$\{BASE:\?\S+\} AS \w+$", lines[1])
    stages = {line.split()[-1] for line in lines if re.search(r"^FROM .* AS ", line)}
    assert all(line.split()[1] in stages for line in lines[2:] if line.startswith("FROM"))


def test_the_last_stage_has_no_rights_no_tools_and_tells_nobody(images: Path) -> None:
    lines = instructions(images)
    start = max(number for number, line in enumerate(lines) if line.startswith("FROM"))
    last = lines[start + 1 :]
    assert "USER 65532:65532" in last
    assert not [line for line in last if line.startswith("RUN")]
    assert any("ORT_DISABLE_TELEMETRY=1" in line for line in last if line.startswith("ENV"))
    below = next(line for line in lines if line.startswith("RUN"))
    assert not re.search(r"pip|gcc|build-essential|python3-dev", below)


def test_a_builder_of_2020_can_build_it(images: Path) -> None:
    """Docker 20.10 without internet fetches no frontend and cannot link copies."""
    text = (images / "cpu" / "Dockerfile").read_text()
    assert "syntax=" not in text
    assert "--link" not in text
