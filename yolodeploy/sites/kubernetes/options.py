"""From an app's setup on a site to objects: those of `k3s/serve/options/` that it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from yolodeploy.core.app_setup import AppSetup, Autoscale, Exposed, Quota

Object = dict[str, Any]
Filled = Callable[[str], Object]
Scaler = Literal["keda", "adapter", "cpu"]
"""Whom an autoscaler asks: Prometheus by KEDA or prometheus-adapter, or for the CPU alone."""

OPTIONAL = (
    "PodDisruptionBudget", "Ingress", "ResourceQuota", "ServiceMonitor", "HorizontalPodAutoscaler",
    "ScaledObject",
)  # fmt: skip


def options(setup: AppSetup, filled: Filled, scaler: Scaler, replicas: int) -> list[Object]:
    """The objects that a setup needs beside those that every app has.

    `filled` gives a file of the folder with the app's name in it; `replicas` is how many pods there
    are, where nobody here has said it.
    """
    found: list[Object] = []
    if max(setup.most, replicas) > 1:
        found.append(filled("poddisruptionbudget"))
    if setup.exposed is not None:
        found.append(_ingress(filled("ingress"), setup.exposed))
    if setup.quota is not None:
        found.append(_quota(filled("resourcequota"), setup.quota))
    if setup.metrics_from:
        found.append(filled("servicemonitor"))
    if setup.autoscale is not None:
        found.append(_autoscaler(setup.autoscale, setup.prometheus, filled, scaler))
    return found


def let_in(policy: Object, setup: AppSetup) -> Object:
    """A NetworkPolicy that lets in whom the setup names as well."""
    rules = policy["spec"]["ingress"]
    for namespaces, port in ((setup.asked_from, "http"), ((setup.metrics_from,), "instance")):
        for namespace in filter(None, namespaces):
            labels = {"kubernetes.io/metadata.name": namespace}
            rules.append(
                {
                    "from": [{"namespaceSelector": {"matchLabels": labels}}],
                    "ports": [{"protocol": "TCP", "port": port}],
                }
            )
    return policy


def _ingress(found: Object, exposed: Exposed) -> Object:
    spec = found["spec"]
    (rule,) = spec["rules"]
    rule["host"] = exposed.host
    del spec["tls"], spec["ingressClassName"]
    if exposed.class_name:  # without one: the cluster's own default
        spec["ingressClassName"] = exposed.class_name
    if exposed.tls_secret:
        spec["tls"] = [{"hosts": [exposed.host], "secretName": exposed.tls_secret}]
    return found


def _quota(found: Object, quota: Quota) -> Object:
    amounts: Mapping[str, tuple[int | None, str]] = {
        "pods": (quota.pods, ""),
        "requests.cpu": (quota.cpu_millis, "m"),
        "requests.memory": (quota.memory_mb, "Mi"),
        "requests.nvidia.com/gpu": (quota.gpus, ""),
    }
    found["spec"]["hard"] = {
        name: f"{amount}{unit}" for name, (amount, unit) in amounts.items() if amount is not None
    }
    return found


def _autoscaler(auto: Autoscale, prometheus: str, filled: Filled, scaler: Scaler) -> Object:
    measure = "queue" if auto.queue_ms is not None else "requests"
    if scaler == "cpu" or (auto.rps is None and auto.queue_ms is None):
        return _between(filled("hpa-cpu"), auto)
    if scaler == "adapter":
        found = _between(filled(f"hpa-{measure}"), auto)
        (metric,) = found["spec"]["metrics"]
        # queue time is in seconds there; a thousandth is `m`
        wanted = auto.rps * 1000 if auto.rps is not None else auto.queue_ms or 0.0
        metric["pods"]["target"]["averageValue"] = f"{max(round(wanted), 1)}m"
        return found
    found = filled(f"scaledobject-{measure}")
    found["spec"] |= {"minReplicaCount": auto.least, "maxReplicaCount": auto.most}
    (trigger,) = found["spec"]["triggers"]
    told = trigger["metadata"]
    told["serverAddress"] = prometheus
    told["threshold"] = f"{auto.rps if auto.rps is not None else auto.queue_ms:g}"
    name = found["metadata"]["name"]
    told["query"] = told["query"].replace('namespace="brake-disc"', f'namespace="{name}"')
    return found


def _between(found: Object, auto: Autoscale) -> Object:
    found["spec"] |= {"minReplicas": auto.least, "maxReplicas": auto.most}
    return found
