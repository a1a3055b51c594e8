"""NVIDIA's packages as real .deb files, built in a second, and an apt repository of them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

FILES = Path(__file__).parent / "files"
ARCH = "amd64"
TOOLKIT = "1.20.0-1"
NEWER_TOOLKIT = "1.21.0-1"
DRIVER = "580.95.05"
NEWER_DRIVER = "580.105.08"
TOOLKIT_PACKAGES = (
    "libnvidia-container1",
    "libnvidia-container-tools",
    "nvidia-container-toolkit-base",
    "nvidia-container-toolkit",
)
DRIVER_PACKAGES = ("libnvidia-ml1", "nvidia-driver")


def toolkit(folder: Path, version: str = TOOLKIT) -> dict[str, str]:
    """The four packages of the container toolkit, in a folder; their digests by file name."""
    needs = {
        "libnvidia-container1": "",
        "libnvidia-container-tools": f"libnvidia-container1 (>= {version})",
        "nvidia-container-toolkit-base": "python3",
        "nvidia-container-toolkit": (
            f"nvidia-container-toolkit-base (= {version}), libnvidia-container-tools (>= {version})"
        ),
    }
    content: dict[str, dict[str, Path | str]] = {
        "nvidia-container-toolkit-base": {
            "usr/bin/nvidia-ctk": FILES / "nvidia-ctk",
            "usr/bin/nvidia-container-runtime": FILES / "nvidia-container-runtime",
            "etc/systemd/system/nvidia-cdi-refresh.service": FILES / "nvidia-cdi-refresh.service",
            "usr/lib/nvidia-double/toolkit-version": version,
        }
    }
    return _digests(
        _package(folder, name, version, needs[name], content.get(name, {}))
        for name in TOOLKIT_PACKAGES
    )


def driver(folder: Path, version: str = DRIVER) -> dict[str, str]:
    """The library and the driver of a version; its module is loaded at the next start."""
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / "libnvidia-ml.so"
    flags = ["-shared", "-nostdlib", "-Wl,-soname,libnvidia-ml.so.1", "-x", "c", "/dev/null"]
    _words("gcc", *flags, "-o", str(library))
    place = "usr/lib/x86_64-linux-gnu"
    of_library: dict[str, Path | str] = {
        f"{place}/libnvidia-ml.so.{version}": library,
        "usr/lib/nvidia-double/library-version": version,
    }
    of_driver: dict[str, Path | str] = {
        "usr/bin/nvidia-smi": FILES / "nvidia-smi",
        "usr/lib/nvidia-double/load": FILES / "load",
        "usr/lib/nvidia-double/module-version": version,
        "lib/systemd/system/nvidia-double.service": FILES / "nvidia-double.service",
    }
    needs = f"libnvidia-ml1 (= {version}-1), python3"
    loads = "#!/bin/sh\nsystemctl enable --now --quiet nvidia-double.service\n"
    made = _digests(
        [
            _package(folder, "libnvidia-ml1", f"{version}-1", "", of_library),
            _package(folder, "nvidia-driver", f"{version}-1", needs, of_driver, loads),
        ]
    )
    library.unlink()
    return made


def repository(folder: Path) -> Path:
    """An apt repository (`deb [trusted=yes] file:FOLDER ./`) of the packages in a folder."""
    stanzas = []
    for path in sorted(folder.glob("*.deb")):
        told = _words("dpkg-deb", "--field", str(path)).strip()
        size, digest = path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()
        stanzas.append(f"{told}\nFilename: ./{path.name}\nSize: {size}\nSHA256: {digest}\n")
    (folder / "Packages").write_text("\n".join(stanzas))
    digest = hashlib.sha256((folder / "Packages").read_bytes()).hexdigest()
    size = (folder / "Packages").stat().st_size
    (folder / "Release").write_text(f"Origin: double\nSHA256:\n {digest} {size} Packages\n")
    return folder


def _package(
    folder: Path,
    name: str,
    version: str,
    needs: str,
    content: Mapping[str, Path | str],
    after: str = "",
) -> Path:
    root = folder / f".{name}"
    (root / "DEBIAN").mkdir(parents=True)
    fields = {
        "Package": name,
        "Version": version,
        "Architecture": ARCH,
        "Maintainer": "a double",
        "Depends": needs,
        "Description": f"DOUBLE of {name}",
    }
    told = "".join(f"{key}: {text}\n" for key, text in fields.items() if text)
    (root / "DEBIAN/control").write_text(told)
    if any(".so." in place for place in content):
        (root / "DEBIAN/triggers").write_text("activate-noawait ldconfig\n")
    if after:
        (root / "DEBIAN/postinst").write_text(after)
        (root / "DEBIAN/postinst").chmod(0o755)
    for place, source in content.items():
        target = root / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(source, str):
            target.write_text(f"{source}\n")
        else:
            shutil.copyfile(source, target)
            program = source.read_bytes()[:2] == b"#!" or "bin/" in place
            target.chmod(0o755 if program else 0o644)
    built = folder / f"{name}_{version}_{ARCH}.deb"
    _words("dpkg-deb", "--root-owner-group", "--build", str(root), str(built))
    shutil.rmtree(root)
    return built


def _digests(paths: Iterable[Path]) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _words(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout
