"""Quotas of a double: whose they are, and what they refuse."""

from __future__ import annotations

from tests.kubernetes.double.faults import No
from tests.kubernetes.double.store import KINDS, Obj, Store

OVER = ("Succeeded", "Failed")


class Quotas(Store):
    """Objects that quotas bound: numbers of pods and of any other kind, no sums of what they ask.

    A quota with scopes is for those pods alone that all of them match.
    """

    def over_quota(self, space: str, pod: Obj) -> str:
        """Why a pod of a specification is refused in a namespace; empty where it is not."""
        return next(filter(None, (
            self._refusal(quota, "pods") for quota in self.of("resourcequotas", space)
            if covers(quota, pod)
        )), "")  # fmt: skip

    def stored(self, plural: str, space: str, name: str, body: Obj) -> Obj:
        if (plural, space, name) not in self.kept:
            for quota in self.of("resourcequotas", space):
                if message := self._refusal(quota, plural):
                    raise No(403, message, "Forbidden")
        return super().stored(plural, space, name, body)

    def count(self, quota: Obj) -> None:
        """What a controller writes into its status."""
        hard = quota["spec"].get("hard", {})
        used = {name: str(self._used(quota, name)) for name in hard if _plural(name) in KINDS}
        if used:
            quota["status"] = {"hard": hard, "used": used}

    def _refusal(self, quota: Obj, plural: str) -> str:
        for name, limit in quota["spec"].get("hard", {}).items():
            if _plural(name) != plural or (used := self._used(quota, name)) < int(limit):
                continue
            return (
                f'{plural} "x" is forbidden: exceeded quota: {quota["metadata"]["name"]}, '
                f"requested: {name}=1, used: {name}={used}, limited: {name}={limit}"
            )
        return ""

    def _used(self, quota: Obj, name: str) -> int:
        space, plural = quota["metadata"]["namespace"], _plural(name)
        if plural != "pods":
            return len(self.of(plural, space))
        return sum(
            pod["status"]["phase"] not in OVER and covers(quota, pod["spec"])
            for pod in self.of("pods", space)
        )


def covers(quota: Obj, pod: Obj) -> bool:
    """Whether a quota is for a pod of a specification, as the API server's evaluator has it."""
    spec = quota["spec"]
    scopes = [{"scopeName": name, "operator": "Exists"} for name in spec.get("scopes", ())]
    scopes += spec.get("scopeSelector", {}).get("matchExpressions", ())
    return all(_matches(scope, pod) for scope in scopes)


def _matches(scope: Obj, pod: Obj) -> bool:
    ends = pod.get("activeDeadlineSeconds") is not None  # a Job's own deadline is none of its pods
    asks = any(
        container.get("resources", {}).get(part)
        for container in pod["containers"] for part in ("requests", "limits")
    )  # fmt: skip
    given = pod.get("priorityClassName", "")
    by_name = {
        "Terminating": ends, "NotTerminating": not ends, "BestEffort": not asks,
        "NotBestEffort": asks, "CrossNamespacePodAffinity": False,
    }  # fmt: skip
    if scope["scopeName"] != "PriorityClass":
        return by_name[scope["scopeName"]]
    values = scope.get("values", ())
    by_operator = {
        "In": given in values, "NotIn": given not in values, "Exists": bool(given),
        "DoesNotExist": not given,
    }  # fmt: skip
    return by_operator[scope["operator"]]


def _plural(name: str) -> str:
    """`count/jobs.batch` is of jobs."""
    return name.removeprefix("count/").partition(".")[0]
