"""What lets us into a site, and what a site shows us, as far as it ends: when, and what mends it.

As of the last look at the site; nobody is asked here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from yolodeploy.core.errors import Failed, UsageError
from yolodeploy.ops.connect import K3S, KUBERNETES, account_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yolodeploy.inventory.sites import SiteRow
    from yolodeploy.ops.home import Home

SOON_S = 14 * 86400.0
DAY_S = 86400.0


class Expiry(NamedTuple):
    """Something of a site that ends at a time (Unix seconds).

    `what` is for people; `code` is that of what `doctor` finds, `remedy` the command that leads on.
    """

    site: str
    what: str
    ends: float
    code: str
    remedy: str

    def is_soon(self, now: float) -> bool:
        """Whether it ends within two weeks, or has ended."""
        return self.ends - now < SOON_S


def ends_of(home: Home, row: SiteRow) -> list[Expiry]:
    """What ends some time, the first first."""
    found = _k3s(home, row) if row.kind == K3S else _cluster(row) if row.kind == KUBERNETES else ()
    return sorted(found, key=lambda one: one.ends)


def soon(home: Home, row: SiteRow, now: float) -> list[Expiry]:
    """What ends within two weeks, or has ended, the first first."""
    return [one for one in ends_of(home, row) if one.is_soon(now)]


def fault(expiry: Expiry, row: SiteRow, now: float) -> Failed:
    """The same as what `doctor` finds."""
    days = int((expiry.ends - now) // DAY_S)
    return Failed(expiry.code, site=expiry.site, days=days, **_way(row))


def _k3s(home: Home, row: SiteRow) -> Iterator[Expiry]:
    from yolodeploy.provision.kubeconfig import token_ends

    try:
        text = account_file(home, row.name).read_text()
    except (OSError, UnicodeDecodeError):
        return  # it has none yet
    ends = token_ends(text, row.name)
    if ends is not None:
        remedy = f"yolodeploy site account {row.name}"
        yield Expiry(row.name, "account", ends, "doctor.account_ends", remedy)
    served = row.cluster.certificate_ends if row.cluster else None
    if served is not None:
        remedy = f"yolodeploy site renew {row.name}"
        yield Expiry(row.name, "server certificate", served, "doctor.k3s_certificate_ends", remedy)


def _cluster(row: SiteRow) -> Iterator[Expiry]:
    if row.cluster is None:
        return
    for what, ends, code in (
        ("token", row.cluster.token_ends, "doctor.token_ends"),
        ("client certificate", row.cluster.client_ends, "doctor.client_certificate_ends"),
        ("server certificate", row.cluster.certificate_ends, "doctor.api_certificate_ends"),
    ):
        if ends is not None:
            # how it is mended depends on whose cluster it is: doctor says it
            yield Expiry(row.name, what, ends, code, "yolodeploy doctor")


def _way(row: SiteRow) -> dict[str, object]:
    if row.kind != KUBERNETES:
        return {}
    from yolodeploy.sites.kubernetes.access import Access

    try:
        access = Access.of(row.location)
    except UsageError:
        return {"file": "KUBECONFIG", "context": "CONTEXT"}
    return {"file": access.file, "context": access.context}
