"""A `site_parts` folder for tests: the double of k3s, its images, and a lock that matches them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import py_compile
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import pytest
import yaml

VERSION = "v1.36.2+k3s1"
OLDER, TOO_OLD, NEWER = "v1.35.6+k3s1", "v1.34.9+k3s1", "v1.36.3+k3s1"
PAUSE = "docker.io/rancher/mirrored-pause:3.6"
BUSYBOX = "docker.io/rancher/mirrored-library-busybox:1.36.1"
PROOF = "ghcr.io/yolodeploy/proof-cpu"
_SOURCE = Path(__file__).parent / "k3s"
_LONG_AGO = (2026, 1, 1, 0, 0, 0)


def parts(folder: Path, version: str = VERSION) -> Path:
    """Fill `folder` with `k3s/`, `k3s-images/`, `images/` and `lock.yml`; a second call replaces what is there."""
    archive = folder / "k3s-images/k3s-airgap-images-amd64.tar.zst"
    (folder / "images").mkdir(parents=True, exist_ok=True)
    archive.parent.mkdir(exist_ok=True)
    binary = k3s(folder / "k3s/k3s", version)
    tree = busybox()
    plain = folder / "k3s-images/plain.tar"
    images(plain, {PAUSE: tree, BUSYBOX: tree})
    subprocess.run(["zstd", "-q", "-f", "--rm", plain, "-o", archive], check=True)
    digest = images(folder / "images/proof-cpu.tar", {f"{PROOF}:1": tree})[f"{PROOF}:1"]
    lock = {
        "k3s": {
            "version": version,
            "sha256": {one.name: _sha256(one) for one in (binary, archive)},
        },
        "nvidia_container_toolkit": {"version": "", "sha256": {}},
        "images": {
            "device_plugin": "",
            "gpu_feature_discovery": "",
            "dcgm_exporter": "",
            "proof_cuda": "",
            "proof_cpu": f"{PROOF}@{digest}",
        },
    }
    (folder / "lock.yml").write_text(yaml.safe_dump(lock))
    return folder


def k3s(path: Path, version: str = VERSION) -> Path:
    """The double as one executable file that says it is of this version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for source in sorted(_SOURCE.glob("*.py")):
            text = source.read_text()
            if source.name == "baked.py":
                text = text.replace(f'"{VERSION}"', f'"{version}"')
            name = source.name if source.name == "__main__.py" else f"k3s/{source.name}"
            _add(archive, name, text.encode())
            if source.name not in ("__main__.py", "baked.py"):
                _add(archive, f"{name}c", _compiled(source))
    path.write_bytes(b"#!/usr/bin/python3 -sE\n" + packed.getvalue())
    path.chmod(0o755)
    return path


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """With one time for all, so that the same sources are the same file."""
    archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), content, zipfile.ZIP_DEFLATED)


@cache
def _compiled(source: Path) -> bytes:
    """Compiled, or each of a hundred `kubectl` would compile it anew; another Python reads the source beside it."""
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".pyc") as target:
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(
            str(source), target.name, f"k3s/{source.name}", doraise=True, invalidation_mode=mode
        )
        return Path(target.name).read_bytes()


def busybox() -> dict[str, bytes]:
    """The files of an image in which commands run."""
    found = shutil.which("busybox")
    if found is None or b"/ld-linux" in Path(found).read_bytes()[:4096]:
        pytest.skip("not installed: busybox-static")
    program = Path(found).read_bytes()
    links = (
        "sh",
        "true",
        "false",
        "sleep",
        "echo",
        "cat",
        "ls",
        "env",
        "id",
        "test",
        "nproc",
        "wc",
        "uname",
    )
    return {"bin/busybox": program, **{f"bin/{name}": b"busybox" for name in links}}


def images(
    path: Path, trees: Mapping[str, Mapping[str, bytes]], command: Sequence[str] = ("sh",)
) -> dict[str, str]:
    """An OCI archive of these images {name:tag: files}; {name: digest}.

    A file whose content is a name of another file in its folder is a link. Each image is also there by its digest,
    because containerd finds only the names that an archive gives.
    """
    blobs: dict[str, bytes] = {}

    def blob(content: bytes) -> tuple[str, int]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[digest] = content
        return f"sha256:{digest}", len(content)

    manifests, digests = [], {}
    for name, files in trees.items():
        plain = _layer(files)
        layer, layer_size = blob(gzip.compress(plain, mtime=0))
        config, config_size = blob(
            json.dumps(
                {
                    "architecture": "amd64",
                    "os": "linux",
                    "config": {"Env": ["PATH=/bin:/usr/bin"], "Cmd": list(command)},
                    "rootfs": {
                        "type": "layers",
                        "diff_ids": [f"sha256:{hashlib.sha256(plain).hexdigest()}"],
                    },
                    "comment": name,
                }
            ).encode()
        )
        prefix = "application/vnd.oci.image"
        manifest, size = blob(
            json.dumps(
                {
                    "schemaVersion": 2,
                    "mediaType": f"{prefix}.manifest.v1+json",
                    "config": {
                        "mediaType": f"{prefix}.config.v1+json",
                        "digest": config,
                        "size": config_size,
                    },
                    "layers": [
                        {
                            "mediaType": f"{prefix}.layer.v1.tar+gzip",
                            "digest": layer,
                            "size": layer_size,
                        }
                    ],
                }
            ).encode()
        )
        digests[name] = manifest
        for known in (name, f"{name.rpartition(':')[0]}@{manifest}"):
            manifests.append(
                {
                    "mediaType": f"{prefix}.manifest.v1+json",
                    "digest": manifest,
                    "size": size,
                    "annotations": {"io.containerd.image.name": known},
                    "platform": {"architecture": "amd64", "os": "linux"},
                }
            )
    with tarfile.open(path, "w") as archive:
        _put(archive, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        index = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": manifests,
        }
        _put(archive, "index.json", json.dumps(index).encode())
        for digest, content in sorted(blobs.items()):
            _put(archive, f"blobs/sha256/{digest}", content)
    return digests


def _layer(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            linked = (
                str(Path(name).parent / content.decode())
                if len(content) < 64 and content.isascii()
                else ""
            )
            if linked in files and linked != name:
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.SYMTYPE, content.decode()
                archive.addfile(link)
            else:
                _put(archive, name, content, 0o755)
    return packed.getvalue()


def _put(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    one = tarfile.TarInfo(name)
    one.size, one.mode = len(content), mode
    archive.addfile(one, io.BytesIO(content))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
