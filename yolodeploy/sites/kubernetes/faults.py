"""What an API server refuses, as errors of ours: one line, and what mends it."""

from __future__ import annotations

import re

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.errors import NotFound, Refused, Unreachable, YolodeployError
from yolodeploy.core.text import one_line

# `configmaps "x" is forbidden: User "u" cannot patch resource "configmaps" in API group "" in …`
_CANNOT = re.compile(
    r'User "(?P<user>[^"]+)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)"'
    r'(?: in API group "(?P<group>[^"]*)")?(?: in the namespace "(?P<namespace>[^"]+)")?'
)
# `Apply failed with 1 conflict: conflict with "kubectl-edit" using apps/v1: .spec.replicas`
_CONFLICT = re.compile(r'conflicts? with "(?P<manager>[^"]+)"')
_FIELD = re.compile(r"(?<![\w.])\.(?:spec|data|metadata|subsets|rules)[\w.\[\]=\"/:{}-]*")

# neither says anything of what was asked for: it may be tried again
_LATER = {401: "kubernetes.unauthorized", 429: "kubernetes.busy"}
_GONE = {404: "kubernetes.absent", 410: "kubernetes.too_old"}


class Status(msgspec.Struct, frozen=True):
    """The body of a refusal."""

    message: str = ""
    reason: str = ""


def refusal(
    site: str, status: int, answer: bytes, asked: str, *, account: bool = False
) -> YolodeployError:
    """The error that a status other than 2xx is; `account`: `site account` gives a new one."""
    try:
        told = msgspec.json.decode(answer, type=Status)
    except msgspec.DecodeError:  # a proxy's page, or garbage
        told = Status(answer[:200].decode(errors="replace"))
    reason = one_line(told.message or told.reason or f"HTTP {status}", 240)
    if status in _OF_WHOM:
        return _OF_WHOM[status](site, told, reason)
    if status in _GONE:
        return NotFound(_GONE[status], site=site, asked=asked, reason=reason)
    if status < 500 and status not in _LATER:
        return Refused("kubernetes.invalid", site=site, status=status, asked=asked, reason=reason)
    code = _LATER.get(status, "kubernetes.broken")
    if status == 401 and account:
        code = "kubernetes.account_over"
    return Unreachable(code, site=site, status=status, reason=reason)


def _forbidden(site: str, told: Status, reason: str) -> YolodeployError:
    found = _CANNOT.search(told.message)
    if found is None:  # a quota or an admission rule
        return Refused("kubernetes.denied", site=site, reason=reason)
    group = f".{found['group']}" if found["group"] else ""
    return Refused(
        "kubernetes.forbidden",
        site=site,
        user=found["user"],
        verb=found["verb"],
        resource=f"{found['resource']}{group}",
        namespace=found["namespace"] or "the whole cluster",
    )


def _conflict(site: str, told: Status, reason: str) -> YolodeployError:
    managers = sorted({match["manager"] for match in _CONFLICT.finditer(told.message)})
    if not managers:
        return Refused("kubernetes.changed", site=site, reason=reason)
    fields = ", ".join(dict.fromkeys(_FIELD.findall(told.message))) or "some fields"
    return Refused(
        "kubernetes.conflict", site=site, manager=", ".join(managers), fields=one_line(fields, 160)
    )


_OF_WHOM = {403: _forbidden, 409: _conflict}

known(Status)
