"""Takes everything out of a root file system that a server does not need, package managers first.

Runs while base layers are built, in a throw-away stage, with the root's own Python:

    python3 strip.py PACKAGE...

Kept are the packages that are named and what they depend on. dpkg itself removes the others, so
that its status, from which the bill of materials is made, says what is really there.
"""

import fnmatch
import re
import shutil
import subprocess
import sys
from pathlib import Path

# what installs and configures is needed by nothing that runs
NEVER = {
    "adduser", "apt", "debconf", "dpkg", "e2fsprogs", "init-system-helpers", "openssl", "passwd",
    "perl-base", "python3-pip", "python3-setuptools", "tar", "ucf",
}  # fmt: skip
LEFT_BEHIND = (
    "/etc/apt", "/etc/dpkg", "/usr/lib/apt", "/usr/share/locale", "/usr/share/man",
    "/usr/share/info", "/usr/share/lintian", "/usr/share/bug", "/var/cache", "/var/lib/apt",
    "/var/log", "/var/backups",
)  # fmt: skip


def installed() -> dict[str, tuple[set[str], set[str]]]:
    """Packages, each with the names that it depends on and those that it provides."""
    form = "${db:Status-Status}\t${Package}\t${Pre-Depends}, ${Depends}\t${Provides}\n"
    told = subprocess.run(
        ["dpkg-query", "--show", f"--showformat={form}"], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split("\t") for line in told.splitlines() if line.startswith("installed\t"))
    return {name: (names_in(needs), names_in(provided)) for _, name, needs, provided in rows}


def names_in(relation: str) -> set[str]:
    """The packages that a relation names, alternatives included."""
    words = (
        re.split(r"[\s(:]", part.strip(), maxsplit=1)[0] for part in re.split("[,|]", relation)
    )
    return set(filter(None, words))


def closure(wanted: list[str], packages: dict[str, tuple[set[str], set[str]]]) -> set[str]:
    """The wanted packages and what they need; patterns such as `libcu*` are understood."""
    kept: set[str] = set()
    todo = {name for pattern in wanted for name in fnmatch.filter(packages, pattern)}
    while todo:
        name = todo.pop()
        kept.add(name)
        for need in packages[name][0]:
            givers = {giver for giver, (_, gives) in packages.items() if need in {giver, *gives}}
            todo |= givers - kept - NEVER
    return kept


def main(wanted: list[str]) -> None:
    """Remove the others."""
    packages = installed()
    gone = sorted(set(packages) - closure(wanted, packages))
    for script in Path("/var/lib/dpkg/info").iterdir():
        if script.suffix in {".preinst", ".postinst", ".prerm", ".postrm", ".triggers"}:
            script.unlink()  # they would call what has just gone
    if gone:
        subprocess.run(["dpkg", "--purge", "--force-all", *gone], check=True, capture_output=True)
    for folder in ("/usr/bin", "/usr/sbin"):
        for program in Path(folder).iterdir():
            if program.is_symlink() and not program.exists():
                program.unlink()  # an alternative for what has just gone
    for path in LEFT_BEHIND:
        shutil.rmtree(path, ignore_errors=True)
    sys.stdout.write(f"{len(packages) - len(gone)} packages kept, {len(gone)} removed\n")


if __name__ == "__main__":
    main(sys.argv[1:])
