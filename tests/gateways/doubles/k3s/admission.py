"""Which pods a namespace takes: Pod Security (kubernetes.io: concepts/security/pod-security-standards), in outline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import plain_yaml
from .kinds import BY_KIND
from .refused import Refused
from .said import fatal
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
    defaults = CONFIGURED.get("defaults", {})
    exempt = CONFIGURED.get("exemptions", {}).get("namespaces") or []
    return "privileged" if namespace in exempt else str(defaults.get("enforce", "privileged"))


def configure(arguments: list[str]) -> None:
    """What kube-apiserver-arg names: PodSecurity's defaults, and a file for what was asked."""
    named = dict(one.partition("=")[::2] for one in arguments)
    for key in ("admission-control-config-file", "audit-policy-file"):
        if key in named and not Path(named[key]).exists():
            fatal(f"apiserver exited: --{key}: open {named[key]}: no such file or directory")
    if "admission-control-config-file" in named:
        found = plain_yaml.document(Path(named["admission-control-config-file"]).read_text())
        for plugin in found["plugins"]:
            if plugin["name"] == "PodSecurity":
                CONFIGURED.update(plugin["configuration"])
    if "audit-log-path" in named and "audit-policy-file" in named:
        AUDIT.append(Path(named["audit-log-path"]))
        AUDIT[0].parent.mkdir(parents=True, exist_ok=True, mode=0o700)


def audit(person: str, verb: str, path: str) -> None:
    """One line for each change; the policy itself is not read."""
    if AUDIT and verb not in ("get", "list") and not person.startswith("system:node:"):
        AUDIT[0].touch(0o600)
        with AUDIT[0].open("a") as log:
            log.write(
                json.dumps({"verb": verb, "user": {"username": person}, "requestURI": path}) + "\n"
            )


CONFIGURED: dict[str, Any] = {}
AUDIT: list[Path] = []


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
