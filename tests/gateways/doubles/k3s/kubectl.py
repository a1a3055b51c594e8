"""`k3s kubectl`: the verbs that provisioning and a technician use, against the double's API (kubernetes.io: kubectl).

Flags may stand anywhere. An option that this double does not know is refused.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from . import api, baked, places, plain_yaml, printing, waiting
from .kinds import BY_KIND, NODE, POD, Kind, of_word
from .objects import merged

Object = dict[str, Any]
_LAST = "kubectl.kubernetes.io/last-applied-configuration"
# of those with a value; the rest is yes or no
VALUED = set(
    [
        "n",
        "namespace",
        "o",
        "output",
        "f",
        "filename",
        "l",
        "selector",
        "for",
        "timeout",
        "kubeconfig",
        "server",
        "token",
        "p",
        "patch",
        "type",
        "container",
        "c",
        "grace-period",
        "tail",
        "duration",
        "dry-run",
        "field-selector",
        "from-literal",
        "raw",
        "request-timeout",
        "from-file",
        "field-manager",
        "sort-by",
        "pod-selector",
        "image",
        "verb",
        "resource",
        "resource-name",
        "serviceaccount",
        "role",
        "clusterrole",
        "cascade",
        "user",
        "subresource",
    ]
)
FLAGS = set(
    [
        "A",
        "all-namespaces",
        "overwrite",
        "ignore-not-found",
        "force",
        "all",
        "wait",
        "w",
        "watch",
        "no-headers",
        "show-labels",
        "server-side",
        "force-conflicts",
        "ignore-daemonsets",
        "delete-emptydir-data",
        "disable-eviction",
        "client",
        "now",
        "previous",
        "all-containers",
        "allow-missing-template-keys",
        "validate",
        "timestamps",
        "create-namespace",
    ]
)
LONG = {
    "n": "namespace",
    "o": "output",
    "f": "filename",
    "l": "selector",
    "A": "all-namespaces",
    "p": "patch",
    "c": "container",
    "w": "watch",
}


class Wrong(Exception):
    """What kubectl says on stderr, with exit code 1."""


class Options(dict[str, Any]):
    """Flags by their long name; `words` is the rest."""

    words: list[str]

    def __init__(self, arguments: list[str]) -> None:
        super().__init__()
        self.words = []
        left = list(arguments)
        while left:
            word = left.pop(0)
            if word == "--":
                self.words += left
                break
            if word == "-" or not word.startswith("-"):
                self.words.append(word)
                continue
            key, equals, value = word.lstrip("-").partition("=")
            if not word.startswith("--") and len(key) > 1 and not equals:  # -ojson
                key, value, equals = key[0], key[1:], "="
            if key not in VALUED | FLAGS:
                raise Wrong(f"error: unknown flag: {word}")
            if key in VALUED and not equals:
                if not left:
                    raise Wrong(f"error: flag needs an argument: {word}")
                value = left.pop(0)
            name = LONG.get(key, key)
            if name in ("filename", "from-literal", "from-file", "verb", "resource"):
                self.setdefault(name, []).extend(
                    [value]
                    if name == "filename"
                    else value.split(",")
                    if name in ("verb", "resource")
                    else [value]
                )
            else:
                self[name] = value if key in VALUED else value != "false"

    def seconds(self, name: str, default: float) -> float:
        """A duration such as 90s, 2m, 1h30m; 0 is for ever."""
        text = str(self.get(name, ""))
        if not text:
            return default
        units = {"s": 1, "m": 60, "h": 3600}
        total, number = 0.0, ""
        for letter in text.removeprefix("-").replace("ms", ""):
            if letter in units:
                total, number = total + float(number or 0) * units[letter], ""
            else:
                number += letter
        return total + float(number or 0)


class Cluster:
    """The API by a kubeconfig, or by --server and --token."""

    def __init__(self, options: Options) -> None:
        path = options.get("kubeconfig") or os.environ.get("KUBECONFIG") or places.KUBECONFIG
        self.namespace = options.get("namespace", "default")
        try:
            found = plain_yaml.document(Path(path).read_text())
        except FileNotFoundError:
            raise Wrong(
                "The connection to the server localhost:8080 was refused - did you specify the right host or port?"
            ) from None
        except OSError as err:
            raise Wrong(
                f'error: error loading config file "{path}": open {path}: {(err.strerror or "").lower()}'
            ) from None
        context = next(
            one["context"] for one in found["contexts"] if one["name"] == found["current-context"]
        )
        cluster = next(
            one["cluster"] for one in found["clusters"] if one["name"] == context["cluster"]
        )
        user = next(one["user"] for one in found["users"] if one["name"] == context["user"])
        self.namespace = options.get("namespace") or context.get("namespace") or "default"
        self.url = options.get("server") or cluster["server"]
        self.token = options.get("token") or user.get("token")
        self.timeout = options.seconds("request-timeout", 0) or 30.0
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            (place / "server-ca.crt").write_bytes(
                base64.b64decode(cluster["certificate-authority-data"])
            )
            has = not self.token and "client-certificate-data" in user
            for key, end in (("client-certificate-data", "crt"), ("client-key-data", "key")):
                if has:
                    (place / f"me.{end}").touch(0o600)
                    (place / f"me.{end}").write_bytes(base64.b64decode(user[key]))
            self.channel = api.client(self.url, place, "me" if has else "", self.timeout)

    def ask(
        self, method: str, path: str, body: Any = None, kind: str = "application/json"
    ) -> tuple[int, Any]:
        """Status and answer."""
        headers = {"Content-Type": kind}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            self.channel.request(
                method, path, json.dumps(body) if body is not None else None, headers
            )
            got = self.channel.getresponse()
            text = got.read().decode()
        except OSError as err:
            host = urlsplit(self.url).netloc
            if "CERTIFICATE" in str(err) or "certificate" in str(err):
                text = f"Unable to connect to the server: tls: failed to verify certificate: x509: {err}"
                raise Wrong(text) from None
            raise Wrong(
                f"The connection to the server {host} was refused - did you specify the right host or port?"
            ) from None
        except Exception as err:
            raise Wrong(f"Unable to connect to the server: {err!r}") from None
        return got.status, json.loads(text) if "json" in got.headers.get(
            "Content-Type", ""
        ) else text

    def wants(
        self, method: str, path: str, body: Any = None, kind: str = "application/json"
    ) -> Any:
        """The answer; what is no success is said as kubectl does."""
        status, answer = self.ask(method, path, body, kind)
        if status >= 400:
            message = answer["message"] if isinstance(answer, dict) else answer
            reason = answer.get("reason", "") if isinstance(answer, dict) else ""
            if status == 401:
                raise Wrong("error: You must be logged in to the server (Unauthorized)")
            raise Wrong(
                message if reason == "Invalid" else f"Error from server ({reason}): {message}"
            )
        return answer

    def where(self, kind: Kind, options: Options) -> str:
        """The namespace of a request; none for kinds without, or for all."""
        return "" if not kind.namespaced or options.get("all-namespaces") else self.namespace


def kind_of(word: str) -> Kind:
    found = of_word(word)
    if found is None:
        raise Wrong(f'error: the server doesn\'t have a resource type "{word}"')
    return found


def targets(cluster: Cluster, options: Options, words: list[str]) -> list[tuple[Kind, Object]]:
    """The objects that `KIND NAME…`, `KIND/NAME…`, `KIND -l …`, `KIND --all` or `-f` mean."""
    if options.get("filename"):
        return [
            (kind, cluster.wants("GET", kind.url(namespace, one["metadata"]["name"])))
            for kind, namespace, one in of_files(cluster, options)
        ]
    if not words:
        raise Wrong("error: You must specify the type of resource")
    pairs = [word.partition("/")[::2] for word in words if "/" in word]
    kinds = [] if pairs else [kind_of(word) for word in words[0].split(",")]
    found = []
    named = [(kind_of(word), name) for word, name in pairs] or [
        (kinds[0], name) for name in words[1:]
    ]
    for kind, name in named:
        status, answer = cluster.ask("GET", kind.url(cluster.where(kind, options), name))
        if status == 404 and options.get("ignore-not-found"):
            continue
        if status >= 400:
            cluster.wants("GET", kind.url(cluster.where(kind, options), name))
        found.append((kind, answer))
    if not named:
        query = [
            f"{key}={quote(options[flag])}"
            for flag, key in (("selector", "labelSelector"), ("field-selector", "fieldSelector"))
            if flag in options
        ]
        for kind in kinds:
            path = kind.url(cluster.where(kind, options)) + ("?" + "&".join(query) if query else "")
            found += [(kind, one) for one in cluster.wants("GET", path)["items"]]
    return found


def of_files(cluster: Cluster, options: Options) -> list[tuple[Kind, str, Object]]:
    """(kind, namespace, object) of all documents; `-` is stdin."""
    found = []
    for name in options.get("filename", []):
        text = sys.stdin.read() if name == "-" else Path(name).read_text()
        try:
            documents = plain_yaml.documents(text)
        except ValueError as err:
            raise Wrong(f"error: error parsing {name}: {err}") from None
        for document in documents:
            for one in document["items"] if document.get("kind") == "List" else [document]:
                kind = BY_KIND.get(one.get("kind", ""))
                if kind is None or one.get("apiVersion") != kind.group:
                    text = f'no matches for kind "{one.get("kind")}" in version "{one.get("apiVersion")}"'
                    raise Wrong(
                        f'error: resource mapping not found for name: from "{name}": {text}'
                    )
                own = one["metadata"].get("namespace")
                if own and options.get("namespace") and own != options["namespace"]:
                    raise Wrong(
                        f'error: the namespace from the provided object "{own}" does not match the namespace "{options["namespace"]}"'
                    )
                found.append((kind, (own or cluster.namespace) if kind.namespaced else "", one))
    return found


def label(kind: Kind, name: str) -> str:
    """As kubectl names it: node/gw, deployment.apps/web."""
    group = "" if kind.group == "v1" else "." + kind.group.split("/")[0]
    return f"{kind.kind.lower()}{group}/{name}"


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


def _dry(options: Options) -> tuple[str, str]:
    """The query and the words after what is said."""
    way = options.get("dry-run")
    if way not in (None, "none", "client", "server"):
        raise Wrong(f'error: Invalid dry-run value ({way}). Must be "none", "server", or "client".')
    return ("?dryRun=All", f" ({way} dry run)") if way in ("client", "server") else ("", "")


def _apply(cluster: Cluster, options: Options, _: list[str]) -> None:
    query, after = _dry(options)
    for kind, namespace, given in of_files(cluster, options):
        path = kind.url(namespace, given["metadata"]["name"])
        status, live = cluster.ask("GET", path)
        done = "created"
        if status == 404:
            given = with_last(given)
            live = cluster.wants("POST", kind.url(namespace) + query, given)
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


def _diff(cluster: Cluster, options: Options, _: list[str]) -> int:
    changed = 0
    for kind, namespace, given in of_files(cluster, options):
        status, live = cluster.ask("GET", kind.url(namespace, given["metadata"]["name"]))
        if status == 404 or applied(live, given) != live:
            changed = 1
            print(f"diff {label(kind, given['metadata']['name'])}")
    return changed


def _create(cluster: Cluster, options: Options, words: list[str]) -> None:
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


def _delete(cluster: Cluster, options: Options, words: list[str]) -> None:
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


def _patch(cluster: Cluster, options: Options, words: list[str]) -> None:
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


def _mark(part: str) -> Any:
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


def _taint(cluster: Cluster, options: Options, words: list[str]) -> None:
    changes = [word for word in words[1:] if ":" in word or word.endswith("-")]
    for kind, one in targets(cluster, options, [word for word in words if word not in changes]):
        taints = list(one["spec"].get("taints") or [])
        for change in changes:
            pair, _, effect = (
                change.removesuffix("-").rpartition(":")
                if ":" in change
                else (change.removesuffix("-"), "", "")
            )
            key, _, value = pair.partition("=")
            same = [one for one in taints if one["key"] == key and effect in ("", one["effect"])]
            if change.endswith("-") and not same:
                raise Wrong(f'error: taint "{change.removesuffix("-")}" not found')
            if (
                same
                and not change.endswith("-")
                and not options.get("overwrite")
                and same[0].get("value", "") != value
            ):
                raise Wrong(
                    f"error: node {one['metadata']['name']} already has {key} taint(s) with same effect(s) and --overwrite is false"
                )
            taints = [one for one in taints if one not in same]
            if not change.endswith("-"):
                taints.append({"key": key, "effect": effect, **({"value": value} if value else {})})
        cluster.wants(
            "PATCH",
            kind.url("", one["metadata"]["name"]),
            {"spec": {"taints": taints}},
            "application/merge-patch+json",
        )
        print(
            f"node/{one['metadata']['name']} {'untainted' if changes[-1].endswith('-') else 'tainted'}"
        )


def set_cordon(cluster: Cluster, node: Object, wanted: bool) -> None:
    """Cordon or uncordon, and say it."""
    name = node["metadata"]["name"]
    word = "cordoned" if wanted else "uncordoned"
    if bool(node["spec"].get("unschedulable")) == wanted:
        print(f"node/{name} already {word}")
        return
    change = {"spec": {"unschedulable": wanted or None}}
    cluster.wants("PATCH", NODE.url("", name), change, "application/merge-patch+json")
    print(f"node/{name} {word}")


def _nodes(cluster: Cluster, options: Options, words: list[str]) -> list[tuple[Kind, Object]]:
    """Those that are named; never all because none was."""
    if not words and "selector" not in options:
        raise Wrong("error: USAGE: drain NODE [flags]")
    return targets(cluster, options, ["nodes", *(word.removeprefix("node/") for word in words)])


def _cordons(wanted: bool) -> Any:
    def done(cluster: Cluster, options: Options, words: list[str]) -> None:
        for _, node in _nodes(cluster, options, words):
            set_cordon(cluster, node, wanted)

    return done


def _drain(cluster: Cluster, options: Options, words: list[str]) -> None:
    """Leaves the node cordoned when it fails, as kubectl does."""
    for _, node in _nodes(cluster, options, words):
        name = node["metadata"]["name"]
        set_cordon(cluster, node, True)
        found = cluster.wants(
            "GET", f"{POD.root}/pods?fieldSelector={quote('spec.nodeName=' + name)}"
        )["items"]
        going = []
        for pod in found:
            owners = [one["kind"] for one in pod["metadata"].get("ownerReferences") or []]
            about = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
            if "DaemonSet" in owners:
                if not options.get("ignore-daemonsets"):
                    raise Wrong(
                        f'error: unable to drain node "{name}" due to error: cannot delete DaemonSet-managed Pods '
                        f"(use --ignore-daemonsets to ignore): {about}, continuing command..."
                    )
                continue
            if pod["status"].get("phase") in ("Succeeded", "Failed"):
                going.append(pod)
                continue
            if not owners and not options.get("force"):
                raise Wrong(
                    f'error: unable to drain node "{name}" due to error: cannot delete Pods that declare no '
                    f"controller (use --force to override): {about}, continuing command..."
                )
            if any(
                "emptyDir" in one for one in pod["spec"].get("volumes") or []
            ) and not options.get("delete-emptydir-data"):
                raise Wrong(
                    f'error: unable to drain node "{name}" due to error: cannot delete Pods with local storage '
                    f"(use --delete-emptydir-data to override): {about}, continuing command..."
                )
            going.append(pod)
        waiting.evict(cluster, name, going, options.seconds("timeout", 0), options)
        print(f"node/{name} drained")


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
    "apply": _apply,
    "diff": _diff,
    "create": _create,
    "delete": _delete,
    "patch": _patch,
    "label": _mark("labels"),
    "annotate": _mark("annotations"),
    "taint": _taint,
    "cordon": _cordons(True),
    "uncordon": _cordons(False),
    "drain": _drain,
    "logs": _logs,
    "auth": _auth,
    "api-resources": _api_resources,
    "wait": waiting.wait,
    "rollout": waiting.rollout,
}
