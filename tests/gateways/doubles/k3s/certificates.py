"""The cluster's authorities and certificates (pkg/daemons/control/deps; docs.k3s.io: cli/certificate).

Leaves live 365 days and are renewed when k3s starts with less than 120 days left. `openssl` makes them.
"""

from __future__ import annotations

import calendar
import hashlib
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from . import places

LEAF_DAYS, CA_DAYS, RENEW_DAYS = 365, 3650, 120
AUTHORITIES = ("server-ca", "client-ca", "request-header-ca")
# file of a server: (authority, subject, usage)
OF_SERVERS = {
    "client-admin": ("client-ca", "/O=system:masters/CN=system:admin", "clientAuth"),
    "client-supervisor": ("client-ca", "/O=system:masters/CN=system:k3s-supervisor", "clientAuth"),
    "client-controller": ("client-ca", "/CN=system:kube-controller-manager", "clientAuth"),
    "client-scheduler": ("client-ca", "/CN=system:kube-scheduler", "clientAuth"),
    "client-kube-apiserver": ("client-ca", "/O=system:masters/CN=system:apiserver", "clientAuth"),
    "serving-kube-apiserver": ("server-ca", "/CN=kube-apiserver", "serverAuth"),
}


def _openssl(*words: str, given: str = "") -> str:
    ended = subprocess.run(
        ["openssl", *words], input=given, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise RuntimeError(f"openssl {words[0]}: {ended.stderr[-300:]}")
    return ended.stdout


def _key(path: Path) -> None:
    places.private(path, _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout"))


def authority(name: str) -> None:
    """Make one unless it is there."""
    certificate, key = places.TLS / f"{name}.crt", places.TLS / f"{name}.key"
    if certificate.exists():
        return
    _key(key)
    subject = f"/CN=k3s-{name}@{int(time.time())}"
    made = _openssl(
        "req", "-x509", "-new", "-key", str(key), "-subj", subject, "-days", str(CA_DAYS), "-sha256",
        # Python 3.13 takes no authority without it
        "-addext", "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign",
    )  # fmt: skip
    places.private(certificate, made, 0o644)


def leaf(path: Path, ca: str, subject: str, usage: str, names: Sequence[str] = ()) -> None:
    """Make a certificate and key, unless there is one that lives long enough and has the names."""
    there = path.exists() and path.with_suffix(".key").exists()
    if there and days_left(path) >= RENEW_DAYS and set(names) <= set(names_of(path)):
        return
    _key(path.with_suffix(".key"))
    asked = _openssl("req", "-new", "-key", str(path.with_suffix(".key")), "-subj", subject)
    lines = [f"extendedKeyUsage={usage}", "keyUsage=critical,digitalSignature,keyEncipherment",
             "authorityKeyIdentifier=keyid", "subjectKeyIdentifier=hash"]  # fmt: skip
    if names:
        lines.append(
            "subjectAltName=" + ",".join(f"{'IP' if _is_address(n) else 'DNS'}:{n}" for n in names)
        )
    tls = places.TLS
    with tempfile.NamedTemporaryFile("w", suffix=".ext") as extensions:
        extensions.write("\n".join(lines))
        extensions.flush()
        made = _openssl(
            "x509",
            "-req",
            "-CA",
            str(tls / f"{ca}.crt"),
            "-CAkey",
            str(tls / f"{ca}.key"),
            "-days",
            str(LEAF_DAYS),
            "-set_serial",
            str(time.time_ns()),
            "-sha256",
            "-extfile",
            extensions.name,
            given=asked,
        )
    places.private(path, made + (tls / f"{ca}.crt").read_text(), 0o644)


def _is_address(name: str) -> bool:
    return bool(re.fullmatch(r"[0-9.]+|[0-9a-fA-F:]*:[0-9a-fA-F:]*", name))


class Shown(NamedTuple):
    """One certificate; its end in seconds since the epoch."""

    ends: int
    subject: str
    issuer: str
    usages: list[str]


def shown(path: Path) -> list[Shown]:
    """The certificates of a file: the leaf, then its authority."""
    found = []
    for part in path.read_text().split("-----END CERTIFICATE-----")[:-1]:
        text = _openssl(
            "x509",
            "-noout",
            "-enddate",
            "-subject",
            "-issuer",
            "-nameopt",
            "multiline",
            "-ext",
            "extendedKeyUsage",
            given=part + "-----END CERTIFICATE-----\n",
        )
        end = re.search(r"notAfter=(.*) GMT", text)
        names = re.findall(r"commonName\s*= (.*)", text)
        assert end is not None
        usages = ["ServerAuth"] * ("Server Auth" in text) + ["ClientAuth"] * ("Client Auth" in text)
        ends = calendar.timegm(time.strptime(end[1], "%b %d %H:%M:%S %Y"))
        found.append(Shown(ends, names[0], names[-1], usages or ["CertSign"]))
    return found


def days_left(path: Path) -> float:
    """Until a certificate ends; negative where it has."""
    return (shown(path)[0].ends - time.time()) / 86400


def names_of(path: Path) -> list[str]:
    """Its subject alternative names."""
    text = _openssl("x509", "-in", str(path), "-noout", "-ext", "subjectAltName")
    return re.findall(r"(?:DNS|IP Address):([^,\s]+)", text)


def ca_hash(text: str) -> str:
    """The part of a token that names the cluster: of the authority's file as /cacerts gives it."""
    return hashlib.sha256(text.encode()).hexdigest()


def of_server(names: Sequence[str]) -> None:
    """All that a server keeps in server/tls."""
    for name in AUTHORITIES:
        authority(name)
    for name, (ca, subject, usage) in OF_SERVERS.items():
        leaf(places.TLS / f"{name}.crt", ca, subject, usage, names if usage == "serverAuth" else ())
    if not (places.TLS / "service.key").exists():
        _key(places.TLS / "service.key")
