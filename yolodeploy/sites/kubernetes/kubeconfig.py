"""Reading one context of a kubeconfig, of which a file may have a thousand.

The package reads the whole file for each context and keeps all of it: with a thousand contexts
that were 1.8 s and 8 MB a site. So the file is read once, and the package is given the part of it
that a site needs.
"""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from yolodeploy.core.ends import certificate_ends
from yolodeploy.core.errors import Refused, UsageError
from yolodeploy.core.text import one_line

if TYPE_CHECKING:
    from yolodeploy.sites.kubernetes.access import Access

FILES = 4
"""Files that are remembered: a fleet has one or two."""

CERTIFICATES = (
    ("clusters", "cluster", "certificate-authority"),
    ("users", "user", "client-certificate"),
    ("users", "user", "client-key"),
)
_writing = Lock()


class Credentials(NamedTuple):
    """What a context leads to. `settings` is the package's `Configuration`.

    `kind` is what we show the server: `token`, `certificate`, `program` (a plug-in gives something
    new whenever it is asked, so that it has no end), `password`, or empty for nothing.
    `certificate_ends` is until when our own certificate is good (Unix seconds).
    """

    settings: Any
    kind: str
    certificate_ends: float | None


def credentials(site: str, access: Access) -> Credentials:
    """What the package makes of a context.

    Raises:
        Refused: `kubernetes.not_installed`.
        UsageError: `kubernetes.kubeconfig`.
    """
    try:
        from kubernetes.client import Configuration
        from kubernetes.config import ConfigException
        from kubernetes.config.kube_config import KubeConfigLoader
    except ImportError as error:
        raise Refused("kubernetes.not_installed", site=site) from error
    if not access.file.is_file():
        raise unusable(site, access, f"{access.file} is not there")
    settings = Configuration()
    try:
        part = _part(_whole(access.file), access.context)
        # files that it names lie beside it
        folder = str(access.file.absolute().parent)
        _write_certificates(part, folder)
        loader = KubeConfigLoader(part, config_base_path=folder)  # type: ignore[no-untyped-call]
        loader.load_and_set(settings)  # type: ignore[no-untyped-call]
        told = settings.cert_file
        until = certificate_ends(_read(told)) if told else None
    except UnicodeEncodeError:  # it says which characters of a password
        raise unusable(site, access, "its login is not in Latin-1") from None
    # a damaged file makes the client's loader raise whatever its parser meets
    except (ConfigException, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise unusable(site, access, one_line(str(error))) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "yaml":
            raise
        raise unusable(site, access, "it is not YAML") from error
    return Credentials(settings, _kind(part, settings), until)


def unusable(site: str, access: Access, reason: str) -> UsageError:
    """A kubeconfig that leads nowhere."""
    return UsageError("kubernetes.kubeconfig", site=site, file=access.file, reason=reason)


def _whole(file: Path) -> Any:
    now = file.stat()
    return _parsed(file, (now.st_mtime_ns, now.st_size, now.st_ino))


@lru_cache(maxsize=FILES)
def _parsed(file: Path, _version: tuple[int, int, int]) -> Any:
    import yaml

    # libyaml takes a tenth of the time; not everywhere it is there
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(file.read_text(), Loader=loader)  # noqa: S506 both are the safe one


def _part(whole: Any, context: str) -> dict[str, Any]:
    """One context with its cluster and its user; of several of a name the first, as kubectl."""
    name = context or whole["current-context"]
    found = _named(whole, "contexts", name)
    leads = found[0]["context"] if found else {}
    part = {
        "current-context": name,
        "contexts": found,
        "clusters": _named(whole, "clusters", leads.get("cluster")),
        "users": _named(whole, "users", leads.get("user")),
    }
    return deepcopy(part)  # the package writes into it


def _write_certificates(part: dict[str, Any], folder: str) -> None:
    """Have the package write what is given as data into its files, one site at a time.

    It keeps one file a certificate for all sites, and names it before it has written it: of two
    sites with one authority that are opened at once, the second would find it empty.
    """
    from kubernetes.config.kube_config import FileOrData

    with _writing:
        for kind, inner, name in CERTIFICATES:
            for item in part[kind]:
                FileOrData(item.get(inner), name, file_base_path=folder).as_file()  # type: ignore[no-untyped-call]


def _named(whole: Any, kind: str, name: object) -> list[Any]:
    return [item for item in whole.get(kind) or () if item["name"] == name][:1]


def _kind(part: dict[str, Any], settings: Any) -> str:
    user = (part["users"][0]["user"] if part["users"] else None) or {}
    if "exec" in user or "auth-provider" in user:
        return "program"
    if settings.cert_file:
        return "certificate"
    if "username" in user:
        return "password"
    return "token" if settings.api_key else ""


def _read(file: str) -> bytes:
    with Path(file).open("rb") as opened:
        return opened.read(1 << 20)
