"""Looking into a `.pt` before anything loads it: the archive's entries and the pickle's opcodes.

Standard library only. What is refused here gets a reason that people understand; that nothing runs
does not depend on it (`loading`).
"""

from __future__ import annotations

import pickletools
import zipfile
from pathlib import Path

from .allowed import full_name, is_allowed
from .errors import Refused

LARGEST_PICKLE = 64 << 20  # bytes; that of a yolov8n is 92 kB
MOST_ENTRIES = 20_000  # one a tensor; a yolov8n has 359
MOST_OPCODES = 5_000_000

# what torch's weights-only loader knows
_OPCODES = """
APPEND APPENDS BINFLOAT BINGET BININT BININT1 BININT2 BINPERSID BINPUT BINUNICODE BUILD
EMPTY_DICT EMPTY_LIST EMPTY_SET EMPTY_TUPLE GLOBAL LONG1 LONG_BINGET LONG_BINPUT MARK NEWFALSE
NEWOBJ NEWTRUE NONE PROTO REDUCE SETITEM SETITEMS SHORT_BINSTRING STOP TUPLE TUPLE1 TUPLE2
TUPLE3
"""
OPCODES = frozenset(_OPCODES.split())


def names_in(path: Path) -> frozenset[str]:
    """The names that a checkpoint asks for, all of them allowed.

    Raises:
        Refused: `export.not_checkpoint`, `export.old_format`, `export.torchscript`,
            `export.damaged`, `export.bomb`, `export.runs_code`.
    """
    if not zipfile.is_zipfile(path):
        raise _no_archive(path)
    try:
        with zipfile.ZipFile(path) as archive:
            content = _pickle_of(path, archive)
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError) as error:
        raise Refused("export.damaged", path=path, reason=error) from error
    return _names(path, content)


def _no_archive(path: Path) -> Refused:
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(b"PK"):
        return Refused("export.damaged", path=path, reason="the archive is cut short")
    # a pickle without an archive (torch before 1.6), or a tar (before 0.1.10)
    if head.startswith(b"\x80") or head[257:262] == b"ustar":
        return Refused("export.old_format", path=path)
    return Refused("export.not_checkpoint", path=path)


def _pickle_of(path: Path, archive: zipfile.ZipFile) -> bytes:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(entries) > MOST_ENTRIES:
        raise Refused("export.bomb", path=path, reason=f"{len(entries)} entries")
    parts = [name.partition("/") for name in names]
    if any(part[2] == "constants.pkl" or part[2].startswith("code/") for part in parts):
        raise Refused("export.torchscript", path=path)
    # torch stores and never compresses, so nothing can be larger than the file
    size = sum(entry.file_size for entry in entries)
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise Refused("export.bomb", path=path, reason="compressed entries")
    if size > path.stat().st_size:
        raise Refused("export.bomb", path=path, reason=f"{size} bytes of entries that overlap")
    # two readers may take different ones of two entries with one name
    if len(set(names)) < len(names) or len({part[0] for part in parts}) != 1:
        raise Refused("export.damaged", path=path, reason="entries of doubtful names")
    pickle = f"{parts[0][0]}/data.pkl"
    if pickle not in names:
        raise Refused("export.not_checkpoint", path=path)
    if archive.getinfo(pickle).file_size > LARGEST_PICKLE:
        raise Refused("export.bomb", path=path, reason=f"{pickle} is too large")
    # torch's reader does not look at checksums: a flipped bit would be a weight like any other
    damaged = archive.testzip()
    if damaged is not None:
        raise Refused("export.damaged", path=path, reason=f"the checksum of {damaged} is wrong")
    return archive.read(pickle)


def _names(path: Path, content: bytes) -> frozenset[str]:
    found = set()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
            if count > MOST_OPCODES:
                raise Refused("export.bomb", path=path, reason=f"over {MOST_OPCODES} opcodes")
            if opcode.name not in OPCODES:
                raise Refused("export.runs_code", path=path, name=f"opcode {opcode.name}")
            if opcode.name == "GLOBAL":
                full = full_name(*str(argument).split(" ", 1))
                if not is_allowed(full):
                    raise Refused("export.runs_code", path=path, name=full)
                found.add(full)
    except (ValueError, UnicodeDecodeError, IndexError) as error:
        raise Refused("export.damaged", path=path, reason=error) from error
    return frozenset(found)
