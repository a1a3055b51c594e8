"""Which pods a namespace takes: Pod Security (kubernetes.io: concepts/security/pod-security-standards), in outline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import plain_yaml
from .kinds import BY_KIND
from .refused import Refused
from .store import Object, Store

_ENFORCE = "pod-security.kubernetes.io/enforce"


def check(store: Store, namespace: str, pod: Object) -> None:
    """Refuse what the namespace's level forbids."""
    if not pod.get("spec", {}).get("containers"):
        raise Refused(422, "Invalid", "Pod is invalid: spec.containers: Required value")
    level = _level(store, namespace)
    found = [*_beyond_baseline(pod["spec"])] if level in ("baseline", "restricted") else []
    if level == "restricted":
        found += _beyond_restricted(pod["spec"])
    if found:
        name = pod["metadata"]["name"]
        text = (
            f'pods "{name}" is forbidden: violates PodSecurity "{level}:latest": {", ".join(found)}'
        )
        raise Refused(403, "Forbidden", text)


def _level(store: Store, namespace: str) -> str:
    labels = (
        (store.get(BY_KIND["Namespace"].registry("", namespace)) or {})
        .get("metadata", {})
        .get("labels", {})
    )
    if _ENFORCE in labels:
        return str(labels[_ENFORCE])
    defaults = configured().get("defaults", {})
    exempt = configured().get("exemptions", {}).get("namespaces") or []
    return "privileged" if namespace in exempt else str(defaults.get("enforce", "privileged"))


def configured(arguments: list[str] | None = None) -> dict[str, Any]:
    """PodSecurity's part of the file named by kube-apiserver-arg: admission-control-config-file=…"""
    if arguments is not None:
        _CONFIGURED.clear()
        for one in arguments:
            key, _, path = one.partition("=")
            if key == "admission-control-config-file":
                document = plain_yaml.document(Path(path).read_text())
                for plugin in document["plugins"]:
                    if plugin["name"] == "PodSecurity":
                        _CONFIGURED.update(plugin["configuration"])
    return _CONFIGURED


_CONFIGURED: dict[str, Any] = {}


def _beyond_baseline(spec: Object) -> list[str]:
    found = [key for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    if any("hostPath" in volume for volume in spec.get("volumes") or []):
        found.append("hostPath volumes")
    if any((one.get("securityContext") or {}).get("privileged") for one in spec["containers"]):
        found.append("privileged")
    return found


def _beyond_restricted(spec: Object) -> list[str]:
    found = []
    whole = spec.get("securityContext") or {}
    for one in spec["containers"]:
        mine = one.get("securityContext") or {}
        if mine.get("allowPrivilegeEscalation") is not False:
            found.append("allowPrivilegeEscalation != false")
        if "ALL" not in ((mine.get("capabilities") or {}).get("drop") or []):
            found.append("unrestricted capabilities")
        if not (mine.get("runAsNonRoot") or whole.get("runAsNonRoot")):
            found.append("runAsNonRoot != true")
        if (mine.get("seccompProfile") or whole.get("seccompProfile") or {}).get("type") not in (
            "RuntimeDefault",
            "Localhost",
        ):
            found.append("seccompProfile")
    return found
