"""`k3s certificate check|rotate` (pkg/cli/cert/cert.go; docs.k3s.io: cli/certificate)."""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from . import certificates, joining, places
from .options import value_of
from .said import say

_MAGNITUDES = (
    (60, "seconds", 1),
    (120, "1 minute", 0),
    (3600, "minutes", 60),
    (7200, "1 hour", 0),
    (86400, "hours", 3600),
    (172800, "1 day", 0),
    (604800, "days", 86400),
    (1209600, "1 week", 0),
    (2592000, "weeks", 604800),
    (5184000, "1 month", 0),
    (31104000, "months", 2592000),
    (46656000, "1 year", 0),
    (62208000, "2 years", 0),
)


def leaves() -> list[Path]:
    """Those of a server and its agent, or of an agent alone."""
    ours = [places.TLS / f"{name}.crt" for name in certificates.OF_SERVERS]
    return [
        path
        for path in [*ours, *(places.AGENT / f"{name}.crt" for name in joining.OF_NODES)]
        if path.exists()
    ]


def main(arguments: list[str]) -> int:
    """The exit code of `certificate check|rotate`."""
    what = arguments[0] if arguments else ""
    server = places.SERVER.exists()
    if what == "check":
        say(
            "info",
            "Server detected, checking agent and server certificates"
            if server
            else "Agent detected, checking agent certificates",
        )
        return _check(value_of(arguments, "--output", "-o", default="text"))
    if what == "rotate":
        return _rotate(places.SERVER if server else places.AGENT)
    sys.stderr.write(f"No help topic for '{what}'\n")
    return 3


def _check(form: str) -> int:
    found = []
    for path in leaves():
        for told in certificates.shown(path):
            left = told.ends - time.time()
            status = (
                "EXPIRED"
                if left < 0
                else ("WARNING" if left < certificates.RENEW_DAYS * 86400 else "OK")
            )
            found.append(
                {
                    "Filename": path.name,
                    "Subject": told.subject,
                    "Issuer": told.issuer,
                    "Usages": told.usages,
                    "ExpiryTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(told.ends)),
                    "ResidualTime": int(left * 1e9),
                    "Status": status,
                }
            )
    if form == "json":
        print(json.dumps({"Certificates": found}))
    elif form == "table":
        _table(found)
    elif form == "text":
        for one in found:
            word = {"OK": "is ok, expires at", "EXPIRED": "expired at"}.get(
                one["Status"], "will expire within 120 days at"
            )
            level = {"OK": "info", "EXPIRED": "error"}.get(one["Status"], "warning")
            about = f"certificate {one['Subject']} ({','.join(one['Usages'])})"
            say(level, f"{one['Filename']}: {about} {word} {one['ExpiryTime']}")
    else:
        say("fatal", f"invalid output format {form}")
        return 1
    return 0


def _table(found: list[dict[str, Any]]) -> None:
    rows = [["FILENAME", "SUBJECT", "USAGES", "EXPIRES", "RESIDUAL TIME", "STATUS"]]
    rows.append(["-" * len(title) for title in rows[0]])
    for one in found:
        ends = time.strptime(one["ExpiryTime"], "%Y-%m-%dT%H:%M:%SZ")
        rows.append(
            [
                one["Filename"],
                one["Subject"],
                ",".join(one["Usages"]),
                time.strftime("%b %d, %Y %H:%M UTC", ends),
                _roughly(abs(one["ResidualTime"]) / 1e9),
                one["Status"],
            ]
        )
    widths = [max(len(row[at]) for row in rows) for at in range(6)]
    print()
    for row in rows:
        print("   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


def _roughly(seconds: float) -> str:
    for limit, word, unit in _MAGNITUDES:
        if seconds < limit:
            return f"{int(seconds // unit)} {word}" if unit else word
    return f"{int(seconds // 31104000)} years"


def _rotate(folder: Path) -> int:
    """Puts the present ones aside; the next start makes new ones."""
    aside = folder / f"tls-{int(time.time())}"
    if folder is places.SERVER:
        shutil.copytree(places.TLS, aside)
    aside.mkdir(exist_ok=True)
    for path in leaves():
        for one in (path, path.with_suffix(".key")):
            shutil.copy(one, aside / one.name)
            one.unlink()
    say(
        "info",
        f"Successfully backed up certificates to {aside}, please restart k3s server or agent to rotate certificates",
    )
    return 0
