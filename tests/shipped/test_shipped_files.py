"""What ships must mean the same on every machine, with or without internet."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [
    path
    for folder in ("images", "k3s", "playbooks", "systemd")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.is_file() and path.suffix != ".pyc"
]
HOSTS = re.compile(
    r"pypi\.|pythonhosted|docker\.io|docker\.com|quay\.io|ghcr\.io|gcr\.io|nvcr\.io|registry\.k8s"
    r"|(deb|security|snapshot)\.debian|archive\.ubuntu|npmjs|index-url|find-links=|extra-index"
)
OF_A_MACHINE = re.compile(r"/(work|root|home|Users|tmp)/|/opt/(pypi|wheels)|/mnt/")
# folders of the image that is being built: its account's cache, what is mounted, what goes again
OF_AN_IMAGE = re.compile(r"target=/root/\.cache/pip\b|/mnt/(?=[a-z-]+[./])|/tmp/l4t\.sha256\b")
# where the roots come from is what it is there to say; `--root` names another. The other one knows
# how containerd writes a name that has no registry, and sends nobody anywhere
CHOSEN = {"images/lock.toml", "playbooks/roles/preflight/files/look/images.py"}
FLOATING = re.compile(r":latest\b|@sha256:(\s|$|\")|\bsha256:\s*$|==\s*(\\|$)", re.MULTILINE)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_every_folder_ships_something() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == {
        "images",
        "k3s",
        "playbooks",
        "systemd",
    }


@pytest.mark.parametrize("path", [path for path in FILES if named(path) not in CHOSEN], ids=named)
def test_nobody_is_sent_to_a_registry_that_they_did_not_choose(path: Path) -> None:
    # `--no-emit-index-url` is how pip-compile is told to leave them out
    text = path.read_text().replace("--no-emit-index-url", "").replace("--no-index", "")
    assert not HOSTS.findall(text)


@pytest.mark.parametrize("path", FILES, ids=named)
def test_no_path_of_the_machine_it_was_made_on(path: Path) -> None:
    text = path.read_text()
    if path.name == "Dockerfile":
        text = OF_AN_IMAGE.sub("", text)
    assert not OF_A_MACHINE.findall(text)


@pytest.mark.parametrize("path", FILES, ids=named)
def test_no_pin_is_empty_or_floats(path: Path) -> None:
    assert not FLOATING.findall(path.read_text())
