"""Where objects lie in the API."""

from __future__ import annotations

from typing import Any

from yolodeploy.core.cluster import MARK, NAMESPACE

_GROUPS = {
    "Namespace": ("/api/v1", "namespaces"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "Service": ("/api/v1", "services"),
    "Pod": ("/api/v1", "pods"),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "Job": ("/apis/batch/v1", "jobs"),
    "Role": ("/apis/rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    "ResourceQuota": ("/api/v1", "resourcequotas"),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims"),
    "Ingress": ("/apis/networking.k8s.io/v1", "ingresses"),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets"),
    "HorizontalPodAutoscaler": ("/apis/autoscaling/v2", "horizontalpodautoscalers"),
    "ScaledObject": ("/apis/keda.sh/v1alpha1", "scaledobjects"),
    "ServiceMonitor": ("/apis/monitoring.coreos.com/v1", "servicemonitors"),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases"),
}

NODES = "/api/v1/nodes"
USAGES = "/apis/metrics.k8s.io/v1beta1/nodes"
PODS = "/api/v1/pods"
NAMESPACES = "/api/v1/namespaces"
STORAGE_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
METRICS = "/apis/custom.metrics.k8s.io/v1beta1"


def listing(kind: str, namespace: str) -> str:
    """All objects of a kind in a namespace."""
    group, plural = _GROUPS[kind]
    return f"{group}/namespaces/{namespace}/{plural}"


def place(kind: str, namespace: str, name: str) -> str:
    """One object."""
    if kind == "Namespace":
        return f"/api/v1/namespaces/{name}"
    return f"{listing(kind, namespace)}/{name}"


def api_of(kind: str) -> str:
    """What there is of a kind's version: 404 where the cluster has no such kind."""
    return _GROUPS[kind][0]


def place_of(item: dict[str, Any]) -> str:
    """Where an object that is to be applied lies."""
    metadata = item["metadata"]
    return place(item["kind"], metadata.get("namespace", ""), metadata["name"])


LEASE = place("Lease", NAMESPACE, MARK)
