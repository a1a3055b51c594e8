"""The action `doctor` for clusters that are reached by a kubeconfig: what their API shows of them.

Nothing is changed and no host is logged in to. A check yields errors instead of raising them, as in
`ops.doctor`; what gateways judge of their cluster is judged by their own program.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from yolodeploy.core import skew
from yolodeploy.core.cluster import NAMESPACE, OF_JOB
from yolodeploy.core.errors import Failed, Refused, Unreachable, YolodeployError
from yolodeploy.core.rights import Rule, lacking
from yolodeploy.core.text import one_line
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.sites import get_site
from yolodeploy.ops.checked import LOOK, REACH, Checked, Result
from yolodeploy.ops.connect import cluster
from yolodeploy.ops.expiry import fault, soon
from yolodeploy.ops.shipped import shipped
from yolodeploy.ops.site_settings import left_unfinished
from yolodeploy.provision.looking import judge, part

if TYPE_CHECKING:
    from yolodeploy.core.site import SiteState
    from yolodeploy.inventory.sites import SiteRow
    from yolodeploy.ops.home import Home
    from yolodeploy.sites.kubernetes.access import Access
    from yolodeploy.sites.kubernetes.examining import Examining
    from yolodeploy.sites.kubernetes.records import Kept
    from yolodeploy.sites.kubernetes.site import KubernetesSite

LEASE_HOURS = 1
"""Who works on a site gives it back after each step that waits; the longest builds take minutes."""

LONGEST = 4000  # characters of one figure: a list of nodes
TOLD = 8
"""Nodes, pods or rights that are named in one finding."""

_ANYWHERE = "default"  # a namespace in which an account has what it has of the whole cluster


class Case:
    """One cluster under the eyes of the checks; what several of them need is asked once."""

    def __init__(self, home: Home, row: SiteRow, access: Access) -> None:
        from yolodeploy.sites.kubernetes.examining import Examining

        self.home = home
        self.row = row
        self.access = access
        self.site: KubernetesSite = cluster(home, row.name, access)
        self.examining: Examining = Examining(self.site.connection)
        self.objects: Callable[[str], list[dict[str, Any]] | None] = cache(self.examining.objects)

    @cached_property
    def state(self) -> SiteState:
        """How the site is."""
        return self.site.observe()

    @property
    def name(self) -> str:
        """The site's."""
        return self.row.name

    def is_at_work(self) -> bool:
        """Whether somebody changes the site just now."""
        lease = self.state.lease
        return lease is not None and lease.until > self.state.at

    @property
    def kubectl(self) -> str:
        """How kubectl is called for this cluster."""
        from yolodeploy.sites.kubernetes.access import default_file

        words = ["kubectl", "--context", self.access.context]
        if self.access.file != default_file():
            words += ["--kubeconfig", str(self.access.file)]
        return shlex.join(words)


def examine(home: Home, site: str, devices: Sequence[str] = ()) -> list[Checked]:
    """Every check of a cluster; of some devices only what is about nodes and their pods.

    Raises:
        NotFound: `inventory.unknown_site`.
        UsageError: `kubernetes.location`.
    """
    from yolodeploy.sites.kubernetes.access import Access

    with read_inventory(home.inventory) as inventory:
        row = get_site(inventory, site)
    case = Case(home, row, Access.of(row.location))
    try:
        found = _judged(case, devices)
        for name, check in () if devices else CHECKS.items():
            found += _made(case, name, check)
    except Unreachable as error:
        return [_finding(case, REACH, error, blocking=True)]
    except YolodeployError as error:
        return [_finding(case, LOOK, error, blocking=True)]
    finally:
        case.site.connection.close()
    return found


def _judged(case: Case, devices: Sequence[str]) -> list[Checked]:
    """What the gateways' program says; of each device that is named, or of all in one."""
    playbooks, found = shipped("playbooks"), list[Checked]()
    for device in devices or ("",):

        def read(kind: str, device: str = device) -> list[dict[str, Any]] | None:
            items = case.objects(kind)
            return items if items is None or not device else _of_device(kind, items, device)

        for one in judge(playbooks, read):
            fields = {name: one_line(str(told), LONGEST) for name, told in one.fields.items()}
            fields |= {"site": case.name, "kubectl": case.kubectl}
            found.append(
                Checked(
                    case.name, device or case.name, one.check, Result(one.result),
                    f"cluster.{one.check}", fields,
                )
            )  # fmt: skip
    return found


def _of_device(kind: str, items: list[dict[str, Any]], device: str) -> list[dict[str, Any]]:
    if kind == "nodes":
        return [item for item in items if part(item, "metadata").get("name") == device]
    if kind == "pods":
        return [item for item in items if part(item, "spec").get("nodeName") == device]
    return items


def _made(case: Case, name: str, check: Check) -> list[Checked]:
    """One check: what it finds, or that all is well, or that nobody can say."""
    from yolodeploy.sites.kubernetes.examining import NOT_TOLD

    found: list[Checked] = []
    try:
        for error in check(case):
            found.append(_finding(case, name, error))
    except Unreachable:
        raise  # nor would the others be answered
    except YolodeployError as error:
        if error.code not in NOT_TOLD:
            return [*found, _finding(case, name, error)]
        return found or [_without(case, name, Result.UNKNOWN, reason=one_line(error.text()))]
    return found or [_without(case, name, Result.OK)]


def _finding(case: Case, name: str, error: YolodeployError, *, blocking: bool = False) -> Checked:
    fields = {key: one_line(str(told), LONGEST) for key, told in error.fields.items()}
    return Checked(case.name, case.name, name, Result.FINDING, error.code, fields, blocking)


def _without(case: Case, name: str, result: Result, **fields: str) -> Checked:
    return Checked(case.name, case.name, name, result, f"cluster.{name}", fields)


# the checks ---------------------------------------------------------------------------------------

Check = Callable[[Case], Iterator[YolodeployError]]


def _unseen(case: Case) -> Iterator[YolodeployError]:
    for resource in case.state.cluster.unseen if case.state.cluster else ():
        yield Refused("doctor.unseen", site=case.name, resource=resource)


def _version_skew(case: Case) -> Iterator[YolodeployError]:
    server = case.examining.version()
    nodes = [(device.name, device.node.kubelet) for device in case.state.devices if device.node]
    skewed = [f"{name} {kubelet}" for name, kubelet in nodes if skew.is_skewed(kubelet, server)]
    if skewed:
        told = _listed(skewed)
        yield Failed("cluster.version_skew", server=server, nodes=told, kubectl=case.kubectl)
    found = skew.series_of(server)
    if found is not None and found < skew.OLDEST:
        least = ".".join(map(str, skew.OLDEST))
        yield Failed("cluster.server_old", server=server, least=least, kubectl=case.kubectl)


def _certificates(case: Case) -> Iterator[YolodeployError]:
    now = time.time()
    row = case.row._replace(cluster=case.state.cluster)
    for expiry in soon(case.home, row, now):
        yield fault(expiry, row, now)


class _Account(NamedTuple):
    """A part of `k3s/account`, and the namespace in which it counts."""

    file: str
    namespace: str
    code: str


def _rights(case: Case) -> Iterator[YolodeployError]:
    """What `k3s/account` gives is the yardstick: right by right what rollouts take."""
    folder = shipped("k3s") / "account"
    accounts = [
        _Account("nodes.yaml", _ANYWHERE, "cluster.rights_cluster"),
        _Account("own.yaml", NAMESPACE, "cluster.rights_own"),
        *(_Account("app.yaml", app.app, "cluster.rights_app") for app in case.state.apps),
    ]
    for file, namespace, code in accounts:
        missing = lacking(_written(folder / file), case.examining.rights(namespace))
        if missing:
            yield Refused(code, app=namespace, rights=_listed(missing), folder=folder)


def _written(file: Any) -> list[Rule]:
    """The rules of a file of roles."""
    import yaml

    with file.open() as stream:
        objects = list(yaml.safe_load_all(stream))
    rules = [rule for one in objects for rule in one.get("rules", ())]
    return msgspec.convert(rules, list[Rule])


def _quota(case: Case) -> Iterator[YolodeployError]:
    from yolodeploy.sites.kubernetes.quotas import full_quota

    for app in case.state.apps:
        reason = full_quota(case.site.connection, app.app)
        if reason:
            yield Failed(
                "cluster.quota", site=case.name, app=app.app, reason=reason, kubectl=case.kubectl
            )


def _metrics(case: Case) -> Iterator[YolodeployError]:
    reason = case.examining.metrics_fault()
    if reason:
        yield Failed("cluster.metrics", reason=reason, kubectl=case.kubectl)


def _unreached(case: Case) -> Iterator[YolodeployError]:
    """A ready pod that the API server does not get at, on each node once: measured, not guessed."""
    ready = {one.device: one for one in case.state.instances if one.ready and one.url}
    silent = {device: case.examining.silence_of(one) for device, one in sorted(ready.items())}
    nodes = [device for device, reason in silent.items() if reason]
    if nodes:
        reason = silent[nodes[0]]
        yield Failed("cluster.unreached", nodes=_listed(nodes), reason=reason)


def _guards(case: Case) -> Iterator[YolodeployError]:
    """What watches nothing, and what nothing watches. While somebody is at work both may be so."""
    from yolodeploy.sites.kubernetes.states import lacks_guard

    for app in () if case.is_at_work() else [app.app for app in case.state.apps]:
        kept, guards = _record(case, app), case.examining.guards(app)
        if kept is None:
            continue
        over = kept.record.intent.guard is None or (kept.record.reverted and kept.record.settled)
        if over and guards:
            pod = guards[0].metadata
            job = (pod.labels or {}).get(OF_JOB, pod.name)
            yield Failed("cluster.guard_left", app=app, pod=pod.name, job=job, kubectl=case.kubectl)
        elif lacks_guard(kept.record, guards):
            yield Failed("cluster.guard_lost", app=app)


def _lease(case: Case) -> Iterator[YolodeployError]:
    lease = case.state.lease
    if lease is None or not case.is_at_work():
        return
    hours = int((case.state.at - lease.since) // 3600)
    if hours >= LEASE_HOURS:
        yield Failed("cluster.lease_held", holder=lease.fence.holder, hours=hours)


def _settings(case: Case) -> Iterator[YolodeployError]:
    wrong = case.site.settings_fault() or left_unfinished(case.site, case.state)
    if wrong is not None:
        yield wrong


def _record(case: Case, app: str) -> Kept | None:
    from yolodeploy.sites.kubernetes import records

    return records.read(case.site.connection, app)


def _listed(words: Sequence[str]) -> str:
    more = len(words) - TOLD
    return ", ".join(words[:TOLD]) + (f", … ({more} more)" if more > 0 else "")


CHECKS: dict[str, Check] = {
    "unseen": _unseen,
    "version_skew": _version_skew,
    "certificates": _certificates,
    "rights": _rights,
    "quota": _quota,
    "metrics": _metrics,
    "unreached": _unreached,
    "guards": _guards,
    "lease": _lease,
    "settings": _settings,
}
