"""`k3s kubectl`: the verbs that provisioning and a technician use (kubernetes.io: reference/kubectl).

Flags may stand anywhere. An option that this double does not know is refused.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from . import baked, changing, draining, printing, waiting
from .kinds import BY_KIND, POD
from .request import Cluster, Options, Wrong, kind_of, targets


def main(arguments: list[str]) -> int:
    """Run one command line."""
    try:
        options = Options(arguments)
        if not options.words:
            raise Wrong("error: a verb is needed")
        verb, words = options.words[0], options.words[1:]
        if verb == "version":
            return _version(options)
        done = _VERBS.get(verb)
        if done is None:
            raise Wrong(f'error: unknown command "{verb}" for "kubectl"')
        return done(Cluster(options), options, words) or 0
    except Wrong as err:
        sys.stderr.write(f"{err}\n")
        return 1


def _version(options: Options) -> int:
    print(f"Client Version: {baked.VERSION}")
    if not options.get("client"):
        print(f"Server Version: {Cluster(options).wants('GET', '/version')['gitVersion']}")
    return 0


def _get(cluster: Cluster, options: Options, words: list[str]) -> None:
    if "raw" in options:
        answer = cluster.wants("GET", options["raw"])
        print(answer if isinstance(answer, str) else json.dumps(answer))
        return
    found = targets(cluster, options, words)
    single = len(words) == 2 or (len(words) == 1 and "/" in words[0])
    printing.show(found, options, single=single)


def _logs(cluster: Cluster, options: Options, words: list[str]) -> None:
    word = words[0] if words else ""
    if "/" in word and kind_of(word.split("/")[0]).kind != "Pod":
        _, owner = targets(cluster, options, [word])[0]
        found = cluster.wants("GET", POD.url(cluster.namespace))["items"]
        names = [
            one["metadata"]["name"]
            for one in found
            if any(
                r["uid"] == owner["metadata"]["uid"]
                for r in one["metadata"].get("ownerReferences") or []
            )
        ]
    elif "selector" in options:
        names = [one["metadata"]["name"] for _, one in targets(cluster, options, ["pods"])]
    else:
        names = [word.removeprefix("pod/").removeprefix("pods/")]
    for name in names:
        path = POD.url(cluster.namespace, name) + "/log"
        container = options.get("container") or (words[1] if len(words) > 1 else "")
        text = cluster.wants("GET", path + (f"?container={container}" if container else ""))
        lines = text.splitlines(keepends=True)
        tail = int(options.get("tail", -1))
        sys.stdout.write("".join(lines[-tail:] if tail >= 0 else lines))


def _auth(cluster: Cluster, options: Options, words: list[str]) -> int:
    """auth can-i VERB RESOURCE: asked by doing it without doing it."""
    if words[:1] == ["can-i"]:
        kind = kind_of(words[2].split("/")[0])
        verb = {
            "get": "GET",
            "list": "GET",
            "create": "POST",
            "delete": "DELETE",
            "patch": "PATCH",
            "update": "PUT",
        }[words[1]]
        name = "" if words[1] in ("list", "create") else "no-such-object"
        status, _ = cluster.ask(
            verb, kind.url(cluster.where(kind, options), name) + "?dryRun=All", {}
        )
        print("no" if status in (401, 403) else "yes")
        return int(status in (401, 403))
    raise Wrong('error: only "auth can-i" is here')


def _api_resources(cluster: Cluster, *_: Any) -> None:
    cluster.wants("GET", "/version")
    for kind in BY_KIND.values():
        print(f"{kind.plural:<30}{kind.group:<35}{str(kind.namespaced).lower():<10}{kind.kind}")


_VERBS: dict[str, Any] = {
    "get": _get,
    "logs": _logs,
    "auth": _auth,
    "api-resources": _api_resources,
    "apply": changing.apply,
    "diff": changing.diff,
    "create": changing.create,
    "delete": changing.delete,
    "patch": changing.patch,
    "label": changing.mark("labels"),
    "annotate": changing.mark("annotations"),
    "taint": draining.taint,
    "cordon": draining.cordons(True),
    "uncordon": draining.cordons(False),
    "drain": draining.drain,
    "wait": waiting.wait,
    "rollout": waiting.rollout,
}
