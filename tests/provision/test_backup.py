"""Backups as files: what packing writes is what unpacking takes, and nothing else is taken.

If these fail, a stranger's file writes where he likes as root, or a damaged one ends a site.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROLES = Path(__file__).parents[2] / "playbooks" / "roles"
SERVER = "var/lib/rancher/k3s/server"
ABOUT = {
    "format": 1, "site": "plant", "server": "gw-1", "k3s_version": "v1.34.9+k3s1",
    "datastore": "sqlite", "taken_at": 1795652700,
}  # fmt: skip


def loaded(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pack = loaded(ROLES / "backup/files/pack.py")
unpack = loaded(ROLES / "restore/files/unpack.py")


def filled(root: Path, word: str) -> Path:
    """A server's files, as k3s leaves them."""
    files = {
        f"{SERVER}/db/state.db": f"objects {word}",
        f"{SERVER}/token": f"K10::server:{word}",
        f"{SERVER}/agent-token": f"K10::node:{word}",
        f"{SERVER}/cred/encryption-config.json": word,
        f"{SERVER}/tls/server-ca.crt": f"authority {word}",
        f"{SERVER}/tls/server-ca.key": f"key {word}",
        "etc/rancher/k3s/config.yaml": f"node-name: {word}",
        "etc/rancher/k3s/token": f"{word}\n",
        "etc/rancher/k3s/agent-token": f"{word}\n",
        "etc/rancher/k3s/k3s.yaml": "an administrator",
        "etc/rancher/node/password": word,
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / SERVER / "node-token").symlink_to("token")
    (root / SERVER / "tls/server-ca.key").chmod(0o600)
    return root


def contents(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    target = tmp_path / "plant.tar.gz"
    pack.write(target, filled(tmp_path / "old", "old"), ("db",), ABOUT)
    return target


@pytest.fixture
def place(tmp_path: Path) -> Callable[..., Any]:
    def one(file: Path, root: Path) -> Any:
        return unpack.main({"file": str(file), "place": True, "root": str(root), "limit_s": 5})

    return one


def test_what_was_packed_is_what_is_there_again(
    backup: Path, place: Callable[..., Any], tmp_path: Path
) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    root = tmp_path / "new"
    root.mkdir()
    told = place(backup, root)
    assert (told["site"], told["k3s_version"]) == ("plant", "v1.34.9+k3s1")
    old = contents(tmp_path / "old")
    old.pop("etc/rancher/k3s/k3s.yaml")  # made anew at each start
    found = {name: text for name, text in contents(root).items() if "before-restore" not in name}
    assert found == old
    assert (root / SERVER / "node-token").is_symlink()
    assert (root / SERVER / "tls/server-ca.key").stat().st_mode & 0o077 == 0


def test_what_was_there_is_kept_and_settings_stay(
    backup: Path, place: Callable[..., Any], tmp_path: Path
) -> None:
    """Config of the gateway is provisioning's; identity and data are the backup's."""
    root = filled(tmp_path / "new", "new")
    place(backup, root)
    found = contents(root)
    assert found[f"{SERVER}/db/state.db"] == "objects old"
    assert (found["etc/rancher/k3s/token"], found["etc/rancher/node/password"]) == ("old\n", "old")
    assert found["etc/rancher/k3s/config.yaml"] == "node-name: new"
    aside = "var/lib/yolodeploy/before-restore"
    assert found[f"{aside}/db/state.db"] == "objects new"
    assert found[f"{aside}/token"] == "K10::server:new"
    place(backup, root)  # again: the first `before` is of a restore that ended
    assert contents(root)[f"{aside}/db/state.db"] == "objects old"


@pytest.mark.parametrize("after", range(1, 7))
def test_a_restore_that_was_cut_off_is_done_again_and_keeps_the_oldest(
    backup: Path, place: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    after: int,
) -> None:  # fmt: skip
    root = filled(tmp_path / "new", "new")
    aside, count = unpack.put_aside, 0

    def dies(path: Path, target: Path) -> None:
        nonlocal count
        count += 1
        if count == after:
            raise KeyboardInterrupt
        aside(path, target)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(unpack, "put_aside", dies)
        place(backup, root)
    place(backup, root)
    found = contents(root)
    assert found[f"{SERVER}/db/state.db"] == "objects old"
    assert found["var/lib/yolodeploy/before-restore/db/state.db"] == "objects new"
    assert not (root / "var/lib/rancher/.yolodeploy-restore").exists()


def forged(target: Path, within: dict[str, bytes], **about: Any) -> Path:
    """A backup that says of itself what somebody wants it to."""
    listed = {name: hashlib.sha256(text).hexdigest() for name, text in within.items()}
    manifest = json.dumps({**ABOUT, "files": listed, **about}).encode()
    with tarfile.open(target, "w:gz") as archive:
        for name, text in {"manifest.json": manifest, **within}.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    return target


def longer(path: Path) -> Path:
    content = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(content + bytes(tarfile.RECORDSIZE)))
    return path


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-200])
    return path


def garbage(target: Path, text: str = "no archive") -> Path:
    target.write_text(text)
    return target


def linked(target: Path) -> Path:
    with tarfile.open(target, "w:gz") as archive:
        member = tarfile.TarInfo(f"{SERVER}/token")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/shadow"
        archive.addfile(member)
    return target


OUTSIDE = (
    "/etc/shadow", "../../etc/shadow", f"{SERVER}/../../../../../etc/shadow", "etc/shadow",
    "etc/rancher/./x", "etc/rancher//x", "etc/rancherx/y",
)  # fmt: skip
HOSTILE: dict[str, Callable[[Path, Path], Path]] = {
    "longer": lambda made, _target: longer(made),
    "cut": lambda made, _target: cut(made),
    "text": lambda _made, target: garbage(target),
    "empty": lambda _made, target: garbage(target, ""),
    "links": lambda _made, target: linked(target),
    "format": lambda _made, target: forged(target, {}, format=2),
    "no names": lambda _made, target: forged(target, {}, files=[1]),
    "lacking": lambda _made, target: forged(target, {}, files={f"{SERVER}/token": "0" * 64}),
    "lying": lambda _made, target: forged(
        target, {f"{SERVER}/token": b"x"}, files={f"{SERVER}/token": "0" * 64}
    ),
    "unlisted": lambda _made, target: forged(target, {f"{SERVER}/token": b"x"}, files={}),
    **{
        f"outside{number}": lambda _made, target, name=name: forged(target, {name: b"x"})
        for number, name in enumerate(OUTSIDE)
    },
}


REFUSED = (SystemExit, tarfile.TarError, OSError, EOFError, ValueError, zlib.error)


def test_no_bit_may_flip_anywhere(backup: Path, tmp_path: Path) -> None:
    whole = backup.read_bytes()
    packed = gzip.decompress(whole)
    header = 10  # of gzip, with a time: no checksum is over it
    for place in range(header, len(whole)):
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        with suppress(*REFUSED):
            if gzip.decompress(content) == packed:
                continue  # that many zeros are copied from one zero or from another
        backup.write_bytes(content)
        with pytest.raises(REFUSED):
            unpack.main({"file": str(backup), "place": False, "root": str(tmp_path)})
            pytest.fail(f"byte {place} of {len(whole)}")


@pytest.mark.parametrize("fault", HOSTILE)
def test_what_is_no_backup_is_refused_before_anything_is_touched(
    backup: Path, place: Callable[..., Any], tmp_path: Path, fault: str
) -> None:
    file = HOSTILE[fault](backup, tmp_path / "hostile.tar.gz")
    root = filled(tmp_path / "new", "new")
    before = contents(tmp_path / "new")
    with pytest.raises(REFUSED):
        place(file, root)
    assert contents(root) == before


def test_a_digest_beside_it_is_held_against_it(backup: Path) -> None:
    beside = backup.with_name(backup.name + ".sha256")
    digest = hashlib.sha256(backup.read_bytes()).hexdigest()
    beside.write_text(f"{digest}  {backup.name}\n")
    assert unpack.main({"file": str(backup), "place": False})["site"] == "plant"
    beside.write_text(f"{'0' * 64}  {backup.name}\n")
    with pytest.raises(SystemExit, match="another one"):
        unpack.main({"file": str(backup), "place": False})


def test_the_table_of_certificates_is_read_as_k3s_prints_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A date that is misread leaves a plant without its API on a day that nobody knew of."""
    look = loaded(ROLES / "renew/files/look.py")
    rows = [
        ("FILENAME", "SUBJECT", "USAGES", "EXPIRES", "RESIDUAL TIME", "STATUS"),
        (
            "client-admin.crt",
            "system:admin",
            "ClientAuth",
            "Oct 20, 2026 20:45 UTC",
            "1 year",
            "OK",
        ),
        ("client-ca.crt", "k3s-client-ca@1", "CertSign", "Jan 02, 2025 15:04 UTC", "", "EXPIRED"),
        ("serving-kubelet.crt", "{{ 1 }}", "ServerAuth", "Dec 01, 2025 00:00 UTC", "-", "WARNING"),
        ("garbage",),
    ]
    table = "\n".join("   ".join(f"{cell:24}" for cell in row) for row in rows)
    assert look.leaves(table) == [
        (1792529100, "client-admin.crt"),
        (1764547200, "serving-kubelet.crt"),
    ]
    monkeypatch.setattr(look, "answer", lambda *_words: table)
    monkeypatch.setattr(look.time, "time", lambda: 1764547200 - 86400.0)
    told = look.main({"unit": "k3s"})
    assert (told["days"], told["first"], told["certificates"]) == (1.0, "serving-kubelet.crt", 2)
