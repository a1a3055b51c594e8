"""Who asks, and what they may: certificates, tokens, roles (kubernetes.io: authentication, authorization/rbac).

Simpler than Kubernetes: nodes (system:node:*) may all that a kubelet does without the node authorizer's look at which.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any, NamedTuple

from . import places
from .kinds import BY_KIND
from .store import Store

MASTERS = "system:masters"


class Person(NamedTuple):
    """A name and the groups it is in."""

    name: str
    groups: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


ANONYMOUS = Person("system:anonymous", ("system:unauthenticated",))


def of_certificate(peer: dict[str, Any] | None) -> Person | None:
    """CN is the name, each O a group."""
    if not peer:
        return None
    pairs = [pair for part in peer["subject"] for pair in part]
    name = next((value for key, value in pairs if key == "commonName"), "")
    return Person(name, tuple(value for key, value in pairs if key == "organizationName"))


def _signature(text: str) -> str:
    key = (places.TLS / "service.key").read_bytes()
    return (
        base64.urlsafe_b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest())
        .decode()
        .rstrip("=")
    )


def account_token(namespace: str, name: str, seconds: int) -> str:
    """What `kubectl create token` gives; JWT in form, signed with a key of this double's own kind."""
    claims = {
        "sub": f"system:serviceaccount:{namespace}:{name}",
        "exp": int(time.time()) + seconds,
        "iss": "k3s",
    }
    parts = ({"alg": "HS256"}, claims)
    text = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )
    return f"{text}.{_signature(text)}"


def of_bearer(token: str, store: Store) -> Person | None:
    """The ServiceAccount of a token that is ours, not expired, and whose account is there."""
    text, _, signature = token.rpartition(".")
    if not text or not hmac.compare_digest(signature, _signature(text)):
        return None
    body = text.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    _, _, namespace, name = claims["sub"].split(":")
    if (
        claims["exp"] < time.time()
        or store.get(BY_KIND["ServiceAccount"].registry(namespace, name)) is None
    ):
        return None
    return Person(claims["sub"], ("system:serviceaccounts", f"system:serviceaccounts:{namespace}"))


def may(
    store: Store, person: Person, verb: str, group: str, resource: str, namespace: str, name: str
) -> bool:
    """Whether a role that is bound to this person allows it."""
    if MASTERS in person.groups or "system:nodes" in person.groups:
        return True
    bindings = store.under(BY_KIND["ClusterRoleBinding"].registry())
    if namespace:
        bindings += store.under(BY_KIND["RoleBinding"].registry(namespace) + "")
    for binding in bindings:
        if not any(_is(subject, person) for subject in binding.get("subjects") or []):
            continue
        role = BY_KIND[binding["roleRef"]["kind"]]
        found = store.get(
            role.registry(binding["metadata"].get("namespace", ""), binding["roleRef"]["name"])
        )
        for rule in (found or {}).get("rules") or []:
            wanted = ((verb, "verbs"), (group, "apiGroups"), (resource, "resources"))
            names = rule.get("resourceNames")
            if all(_holds(rule.get(key), one) for one, key in wanted) and (
                not names or name in names
            ):
                return True
    return False


def _holds(allowed: list[str] | None, one: str) -> bool:
    return bool(allowed) and (one in allowed or "*" in allowed)


def _is(subject: dict[str, str], person: Person) -> bool:
    if subject["kind"] == "ServiceAccount":
        return person.name == f"system:serviceaccount:{subject.get('namespace')}:{subject['name']}"
    return subject["name"] in ((person.name,) if subject["kind"] == "User" else person.groups)
