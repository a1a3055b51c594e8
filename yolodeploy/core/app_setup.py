"""How one app is set up on one site: how many instances, who may ask them, what they may take.

It belongs to neither a release nor a rollout: versioned apart from them, and kept in the site.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from yolodeploy.core.decoding import known
from yolodeploy.core.errors import UsageError
from yolodeploy.core.names import checked_name

MOST_INSTANCES = 1000
EARLIER_KEPT = 10
CPU_PERCENT = 70
"""Of what the pods ask for: where nothing else can be measured, more pods come above it."""

_HOST = re.compile(r"(?:\*\.)?[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?", re.ASCII)

Engines = Literal["", "pod", "claim"]


class Autoscale(msgspec.Struct, frozen=True):
    """Between how many instances, and by what.

    `rps` is requests a second that one instance shall have, `queue_ms` how long requests may wait
    for a worker (95th percentile); with neither, the CPU decides.
    """

    least: int
    most: int
    rps: float | None = None
    queue_ms: float | None = None


class Exposed(msgspec.Struct, frozen=True):
    """Under which host name the world outside reaches the app, and whose Secret has its key."""

    host: str
    tls_secret: str = ""
    class_name: str = ""


class Quota(msgspec.Struct, frozen=True):
    """What all pods of the app together may ask for; None: as much as there is."""

    gpus: int | None = None
    cpu_millis: int | None = None
    memory_mb: int | None = None
    pods: int | None = None


class AppSetup(msgspec.Struct, frozen=True, kw_only=True):
    """All of it.

    `replicas` None leaves the number to whoever says it in the cluster; `asked_from` are further
    namespaces whose pods may ask, `metrics_from` is the one where Prometheus runs and `prometheus`
    its address. `engines` is where built TensorRT engines are kept: in a volume that outlives pods
    (`claim`), in the pod, or as the first release that needs it finds best (empty). `shared`: many
    nodes write to the claim, which its class must be able to do.
    """

    replicas: int | None = None
    autoscale: Autoscale | None = None
    exposed: Exposed | None = None
    quota: Quota | None = None
    asked_from: tuple[str, ...] = ()
    metrics_from: str = ""
    prometheus: str = "http://prometheus-operated.monitoring.svc:9090"
    spot: bool = False
    engines: Engines = ""
    storage_class: str = ""
    shared: bool = False

    @property
    def most(self) -> int:
        """As many instances as there may be by this; 0 where it does not say."""
        return self.autoscale.most if self.autoscale else self.replicas or 0


class KeptSetup(msgspec.Struct, frozen=True):
    """The setup as the site keeps it, with earlier ones, newest first.

    `reached` is the identity of the Deployment that was brought to `setup.replicas`.
    """

    setup: AppSetup = AppSetup()
    earlier: tuple[AppSetup, ...] = ()
    reached: str = ""

    def then(self, setup: AppSetup, *, scaled: bool = False) -> KeptSetup:
        """With another setup in its place; `scaled`: the number is said anew, if it is the same."""
        counted = (setup.replicas, setup.autoscale) != (self.setup.replicas, self.setup.autoscale)
        reached = "" if scaled or counted else self.reached
        if setup == self.setup:
            return KeptSetup(setup, self.earlier, reached)
        return KeptSetup(setup, (self.setup, *self.earlier)[:EARLIER_KEPT], reached)

    def undone(self) -> KeptSetup | None:
        """As it was before the last change; None where there was none."""
        return KeptSetup(self.earlier[0], self.earlier[1:]) if self.earlier else None


def checked_setup(setup: AppSetup) -> AppSetup:
    """`setup` itself where a cluster can be set up so.

    Raises:
        UsageError: `setup.range`, `setup.measures`, `setup.host`, `name.invalid`.
    """
    auto = setup.autoscale
    if auto is not None:
        if not 1 <= auto.least <= auto.most <= MOST_INSTANCES:
            raise UsageError("setup.range", least=auto.least, most=auto.most, limit=MOST_INSTANCES)
        if auto.rps is not None and auto.queue_ms is not None:
            raise UsageError("setup.measures")
    if setup.exposed is not None:
        if ".." in setup.exposed.host or not _HOST.fullmatch(setup.exposed.host):
            raise UsageError("setup.host", host=setup.exposed.host)
        if setup.exposed.tls_secret:
            checked_name("secret", setup.exposed.tls_secret)
        if setup.exposed.class_name:
            checked_name("ingress class", setup.exposed.class_name)
    for namespace in filter(None, (*setup.asked_from, setup.metrics_from)):
        checked_name("namespace", namespace)
    return setup


known(KeptSetup)
