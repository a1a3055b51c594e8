"""A command line of kubectl taken apart, and the API that it goes to."""

from __future__ import annotations

import base64
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from . import api, places, plain_yaml
from .kinds import BY_KIND, Kind, of_word
from .options import words as words_of

Object = dict[str, Any]


# of those with a value; the rest is yes or no
VALUED = words_of("""
    n namespace o output f filename l selector for timeout kubeconfig server token p patch
    type container c grace-period tail duration dry-run field-selector from-literal raw
    request-timeout from-file field-manager sort-by pod-selector image verb resource
    resource-name serviceaccount role clusterrole cascade user subresource
""")


FLAGS = words_of("""
    A all-namespaces overwrite ignore-not-found force all wait w watch no-headers show-labels
    server-side force-conflicts ignore-daemonsets delete-emptydir-data disable-eviction client
    now previous all-containers allow-missing-template-keys validate timestamps
    create-namespace
""")


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
