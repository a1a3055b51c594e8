"""The kinds of objects that the API knows: enough for provisioning."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """One resource; `short` are the words of kubectl beside plural and singular."""

    group: str
    kind: str
    plural: str
    namespaced: bool = True
    short: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """As in `apiVersion`."""
        return self.group

    @property
    def root(self) -> str:
        """The path before namespaces and names."""
        return f"/api/{self.group}" if self.group == "v1" else f"/apis/{self.group}"

    def registry(self, namespace: str = "", name: str = "") -> str:
        """The path in the datastore; without a name, of all."""
        group = "" if self.group == "v1" else self.group.split("/")[0] + "/"
        middle = f"{namespace}/" if self.namespaced and namespace else ""
        return f"/registry/{group}{self.plural}/{middle}{name}"

    def url(self, namespace: str = "", name: str = "") -> str:
        """The path in the API."""
        middle = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{self.root}{middle}/{self.plural}" + (f"/{name}" if name else "")


_RBAC = "rbac.authorization.k8s.io/v1"
ALL = (
    Kind("v1", "Node", "nodes", namespaced=False, short=("no",)),
    Kind("v1", "Namespace", "namespaces", namespaced=False, short=("ns",)),
    Kind("v1", "Pod", "pods", short=("po",)),
    Kind("v1", "ConfigMap", "configmaps", short=("cm",)),
    Kind("v1", "Secret", "secrets"),
    Kind("v1", "Service", "services", short=("svc",)),
    Kind("v1", "ServiceAccount", "serviceaccounts", short=("sa",)),
    Kind("v1", "Event", "events", short=("ev",)),
    Kind("v1", "LimitRange", "limitranges"),
    Kind("v1", "ResourceQuota", "resourcequotas", short=("quota",)),
    Kind("apps/v1", "Deployment", "deployments", short=("deploy",)),
    Kind("apps/v1", "DaemonSet", "daemonsets", short=("ds",)),
    Kind("apps/v1", "StatefulSet", "statefulsets", short=("sts",)),
    Kind("batch/v1", "Job", "jobs"),
    Kind("coordination.k8s.io/v1", "Lease", "leases"),
    Kind("node.k8s.io/v1", "RuntimeClass", "runtimeclasses", namespaced=False),
    Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", short=("pdb",)),
    Kind(
        "scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", namespaced=False, short=("pc",)
    ),
    Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", short=("netpol",)),
    Kind(_RBAC, "Role", "roles"),
    Kind(_RBAC, "RoleBinding", "rolebindings"),
    Kind(_RBAC, "ClusterRole", "clusterroles", namespaced=False),
    Kind(_RBAC, "ClusterRoleBinding", "clusterrolebindings", namespaced=False),
)
BY_KIND = {one.kind: one for one in ALL}
BY_WORD = {word: one for one in ALL for word in (one.plural, one.kind.lower(), *one.short)}
NODE, POD, JOB, SECRET, LEASE = (
    BY_KIND[name] for name in ("Node", "Pod", "Job", "Secret", "Lease")
)


def of_word(word: str) -> Kind | None:
    """What a person means by `po`, `Pods` or `daemonsets.apps`."""
    return BY_WORD.get(word.lower().split(".")[0])
