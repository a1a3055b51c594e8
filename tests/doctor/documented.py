"""The table of checks in docs/doctor.md, out of the role's: `python -m tests.doctor.documented`."""

from __future__ import annotations

import re
from pathlib import Path

from tests.doctor.recorded import checks, defaults

PAGE = Path(__file__).parents[2] / "docs/doctor.md"
_BETWEEN = re.compile(r"(?<=<!-- checks -->\n).*?(?=<!-- end -->)", re.DOTALL)
_WHERE = {
    "k3s": "k3s is set up",
    "server": "servers",
    "teller": "first server",
    "gpu": "a GPU",
    "gpu_site": "a site with GPUs",
    "among": "all side by side",
}
_MENDS = {"": "", "safe": "`--fix`", "asked": "`--fix --yes`"}


def table() -> str:
    """The rows as Markdown."""
    blocking = defaults()["blocking"]
    lines = ["| check | finds | looked at | preflight too | mended by |", "|---|---|---|---|---|"]
    for row in checks():
        says = re.sub(r"\{(\w+)\}", r"*\1*", row["says"]).replace("|", "\\|")
        where = ", ".join(_WHERE[word] for word in row.get("where", [])) or "always"
        before = "stops" if row["check"] in blocking else "warns"
        lines.append(
            f"| `{row['check']}` | {says} | {where} | {before if row.get('before') else ''} "
            f"| {_MENDS[row.get('mend', '')]} |"
        )
    return "\n".join(lines) + "\n"


def written(text: str) -> str:
    """The page with the table in its place."""
    return _BETWEEN.sub(lambda _: table(), text)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
