"""kubectl's verbs that change objects: apply, diff, create, delete, patch, label, annotate."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from . import plain_yaml, printing, waiting
from .kinds import BY_KIND, Kind
from .objects import merged
from .request import Cluster, Object, Options, Wrong, kind_of, label, of_files, targets

_LAST = "kubectl.kubernetes.io/last-applied-configuration"


def _dry(options: Options) -> tuple[str, str]:
    """The query and the words after what is said."""
    way = options.get("dry-run")
    if way not in (None, "none", "client", "server"):
        raise Wrong(f'error: Invalid dry-run value ({way}). Must be "none", "server", or "client".')
    return ("?dryRun=All", f" ({way} dry run)") if way in ("client", "server") else ("", "")


def apply(cluster: Cluster, options: Options, _: list[str]) -> None:
    """Three ways, as kubectl does it on the client's side."""
    query, after = _dry(options)
    for kind, namespace, given in of_files(cluster, options):
        path = kind.url(namespace, given["metadata"]["name"])
        status, live = cluster.ask("GET", path)
        done = "created"
        if status == 404:
            live = cluster.wants("POST", kind.url(namespace) + query, with_last(given))
        elif status >= 400:
            cluster.wants("GET", path)
        else:
            wanted = applied(live, given)
            done = "unchanged" if wanted == live else "configured"
            if done == "configured":
                live = cluster.wants("PUT", path + query, wanted)
        if options.get("output"):
            printing.show([(kind, live)], options, single=True)
        else:
            done = "serverside-applied" if options.get("server-side") else done
            print(f"{label(kind, given['metadata']['name'])} {done}{after}")


def with_last(given: Object) -> Object:
    """With the note of what was applied, by which the next one knows what to take away."""
    text = json.dumps(given, sort_keys=True)
    return merged(given, {"metadata": {"annotations": {_LAST: text}}})


def applied(live: Object, given: Object) -> Object:
    """Three ways: what is, what was applied before, what is applied now."""
    before = json.loads((live["metadata"].get("annotations") or {}).get(_LAST, "{}"))
    without = _removed(live, before, given)
    return merged(without, with_last(given))


def _removed(live: Any, before: Any, given: Any) -> Any:
    if not (isinstance(live, dict) and isinstance(before, dict)):
        return live
    given = given if isinstance(given, dict) else {}
    return {
        key: _removed(value, before.get(key), given.get(key))
        for key, value in live.items()
        if key in given or key not in before
    }


def diff(cluster: Cluster, options: Options, _: list[str]) -> int:
    """1 where apply would change something."""
    changed = 0
    for kind, namespace, given in of_files(cluster, options):
        status, live = cluster.ask("GET", kind.url(namespace, given["metadata"]["name"]))
        if status == 404 or applied(live, given) != live:
            changed = 1
            print(f"diff {label(kind, given['metadata']['name'])}")
    return changed


def create(cluster: Cluster, options: Options, words: list[str]) -> None:
    """From files, from the command line, or a token."""
    query, after = _dry(options)
    if words[:1] == ["token"]:
        body = {"spec": {"expirationSeconds": int(options.seconds("duration", 3600))}}
        path = BY_KIND["ServiceAccount"].url(cluster.namespace, words[1]) + "/token"
        print(cluster.wants("POST", path, body)["status"]["token"])
        return
    given = of_files(cluster, options) if not words else [_typed(cluster, options, words)]
    for kind, namespace, one in given:
        if query and options.get("output"):
            printing.show([(kind, one)], options, single=True)
            continue
        cluster.wants("POST", kind.url(namespace) + query, one)
        print(f"{label(kind, one['metadata']['name'])} created{after}")


def _typed(cluster: Cluster, options: Options, words: list[str]) -> tuple[Kind, str, Object]:
    """create namespace|configmap|secret generic|serviceaccount NAME."""
    kind = kind_of(words[0])
    one: Object = {"apiVersion": kind.group, "kind": kind.kind, "metadata": {"name": words[-1]}}
    pairs = [text.partition("=")[::2] for text in options.get("from-literal", [])]
    for text in options.get("from-file", []):
        key, equals, path = text.partition("=")
        pairs.append(
            (key if equals else Path(text).name, Path(path if equals else text).read_text())
        )
    if kind.kind == "Secret":
        one["data"] = {key: base64.b64encode(value.encode()).decode() for key, value in pairs}
    elif pairs:
        one["data"] = dict(pairs)
    return kind, cluster.namespace if kind.namespaced else "", one


def delete(cluster: Cluster, options: Options, words: list[str]) -> None:
    """And wait until all are gone, unless told not to."""
    query, after = _dry(options)
    if options.get("filename"):
        found = []
        for kind, namespace, one in of_files(cluster, options):
            status, live = cluster.ask("GET", kind.url(namespace, one["metadata"]["name"]))
            if status == 404 and options.get("ignore-not-found"):
                continue
            found.append(
                (
                    kind,
                    live
                    if status < 400
                    else cluster.wants("GET", kind.url(namespace, one["metadata"]["name"])),
                )
            )
    else:
        if (
            len(words) == 1
            and "/" not in words[0]
            and not (options.get("all") or options.get("selector"))
        ):
            raise Wrong("error: resource(s) were provided, but no name was specified")
        found = targets(cluster, options, words)
    grace = (
        0
        if options.get("force")
        else options.get("grace-period", 1 if options.get("now") else None)
    )
    for kind, one in found:
        path = kind.url(one["metadata"].get("namespace", ""), one["metadata"]["name"])
        sign = "&" if query else "?"
        cluster.wants(
            "DELETE",
            path + query + (f"{sign}gracePeriodSeconds={grace}" if grace is not None else ""),
        )
        print(
            f'{label(kind, one["metadata"]["name"]).replace("/", " ", 1).replace(" ", " " + chr(34))}" deleted{after}'
        )
    if options.get("wait", True) and not query:
        waiting.until_gone(cluster, found, options.seconds("timeout", 0))


def patch(cluster: Cluster, options: Options, words: list[str]) -> None:
    """A merge patch; with --type=json a list of steps."""
    query, after = _dry(options)
    change = plain_yaml.document(options["patch"])
    for kind, one in targets(cluster, options, words):
        path = kind.url(one["metadata"].get("namespace", ""), one["metadata"]["name"])
        part = f"/{options['subresource']}" if "subresource" in options else ""
        if options.get("type") == "json":
            fresh = cluster.wants("PUT", path + part + query, _json_patch(one, change))
        else:
            fresh = cluster.wants(
                "PATCH", path + part + query, change, "application/merge-patch+json"
            )
        same = fresh["metadata"]["resourceVersion"] == one["metadata"]["resourceVersion"]
        print(
            f"{label(kind, one['metadata']['name'])} patched{' (no change)' if same else ''}{after}"
        )


def _json_patch(one: Object, change: list[Object]) -> Object:
    """add, replace and remove (RFC 6902)."""
    for step in change:
        words = [
            word.replace("~1", "/").replace("~0", "~")
            for word in step["path"].strip("/").split("/")
        ]
        place: Any = one
        for word in words[:-1]:
            place = place[int(word)] if isinstance(place, list) else place.setdefault(word, {})
        key: Any = words[-1]
        if isinstance(place, list):
            place.insert(len(place) if key == "-" else int(key), step["value"]) if step[
                "op"
            ] == "add" else place.pop(int(key))
        elif step["op"] == "remove":
            place.pop(key, None)
        else:
            place[key] = step["value"]
    return one


def mark(part: str) -> Any:
    """The verb that changes labels or annotations."""

    def done(cluster: Cluster, options: Options, words: list[str]) -> None:
        changes = [word for word in words if "=" in word or word.endswith("-")]
        query, after = _dry(options)
        for kind, one in targets(cluster, options, [word for word in words if word not in changes]):
            had = one["metadata"].get(part) or {}
            wanted: dict[str, Any] = {}
            for change in changes:
                key, equals, value = change.partition("=")
                if equals and key in had and had[key] != value and not options.get("overwrite"):
                    raise Wrong(
                        f"error: '{key}' already has a value ({had[key]}), and --overwrite is false"
                    )
                wanted[key if equals else key.removesuffix("-")] = value if equals else None
            path = kind.url(one["metadata"].get("namespace", ""), one["metadata"]["name"])
            fresh = cluster.wants(
                "PATCH", path + query, {"metadata": {part: wanted}}, "application/merge-patch+json"
            )
            same = (fresh["metadata"].get(part) or {}) == had
            past = {"labels": "labeled", "annotations": "annotated"}[part]
            word = f"not {past}" if same and part == "labels" else past
            print(f"{label(kind, one['metadata']['name'])} {word}{after}")

    return done
