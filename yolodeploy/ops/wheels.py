"""Wheels of yolodeploy and of what it needs, so that pip installs it where no network is.

pip's own is among them: Debian's python3 has none.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import Distribution
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yolodeploy
from yolodeploy.core.errors import Failed, Refused
from yolodeploy.oci.storage_errors import storing

_EXTRA = "provision"
_TIMEOUT_S = 600.0  # some forty wheels over a slow line; pip itself gives up on a dead one


def collected_wheels(folder: Path) -> Path:
    """A folder that has our wheel and those it needs; pip fills it where ours lacks.

    Raises:
        Refused: `bundle.no_pip`.
        Failed: `bundle.wheels_failed`; `oci.*` of the storage.
    """
    folder = folder.expanduser().absolute()
    if has_wheels(folder):
        return folder
    if find_spec("pip") is None:
        raise Refused("bundle.no_pip", path=folder)
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".pip-", dir=folder) as name:
            _fill(Path(name), folder)
            # ours last: it says that the folder is complete
            for wheel in sorted(Path(name).glob("*.whl"), key=_is_ours):
                wheel.replace(folder / wheel.name)
    return folder


def has_wheels(folder: Path) -> bool:
    """Whether a folder has our wheel, and so those it needs."""
    try:
        return any(folder.expanduser().glob("yolodeploy-*.whl"))
    except OSError:  # a name that no folder can have
        return False


def _is_ours(wheel: Path) -> bool:
    return wheel.name.startswith("yolodeploy-")


def _fill(place: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check",
               "--no-input", "--wheel-dir", str(place), _requirement(), "pip"]  # fmt: skip
    try:
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S, check=False,
            cwd=place, env={**os.environ, "PIP_RETRIES": os.environ.get("PIP_RETRIES", "1")},
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise Failed("bundle.wheels_failed", path=folder, reason="no answer") from error
    if ended.returncode != 0 or not any(map(_is_ours, place.glob("*.whl"))):
        raise Failed("bundle.wheels_failed", path=folder, reason=_reason(ended.stderr))


def _reason(stderr: bytes) -> str:
    """What pip complains of first; hints and traces follow it."""
    lines = [line.strip() for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    named = [line for line in lines if line.startswith("ERROR:")]
    return (named or lines or ["pip ended without a word"])[0].removeprefix("ERROR: ")


def _requirement() -> str:
    """Where this very yolodeploy comes from: a checkout, a file it was installed from, an index.

    With what provisioning needs: wheels are for whoever sits at a gateway and has no network.
    """
    checkout = Path(yolodeploy.__file__).parents[1]
    if (checkout / "pyproject.toml").is_file():
        return f"{checkout}[{_EXTRA}]"
    text = Distribution.from_name("yolodeploy").read_text("direct_url.json")
    url = urlsplit(json.loads(text).get("url", "")) if text else None
    if url and url.scheme == "file" and (path := Path(unquote(url.path))).exists():
        return f"yolodeploy[{_EXTRA}] @ {path.as_uri()}"
    return f"yolodeploy[{_EXTRA}]=={yolodeploy.__version__}"
