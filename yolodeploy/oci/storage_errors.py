"""What the operating system says about a disk, as errors with a remedy."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yolodeploy.core.errors import Failed

_CODES = {
    errno.ENOSPC: "oci.disk_full",
    errno.EDQUOT: "oci.disk_full",
    errno.EROFS: "oci.not_writable",
    errno.EACCES: "oci.not_writable",
    errno.EPERM: "oci.not_writable",
}


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn what goes wrong while writing at `path` into errors.

    Raises:
        Failed: `oci.disk_full`, `oci.not_writable`, or `oci.storage` with the system's words.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise  # not the system's: a broken gzip stream is one
        code = _CODES.get(error.errno or 0, "oci.storage")
        raise Failed(code, path=path, reason=error.strerror or error) from error
