"""What an account may do in a cluster, against what it should: Kubernetes' rules, as values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

import msgspec

from yolodeploy.core.decoding import known

_ALL = "*"


class Rule(msgspec.Struct, frozen=True, rename="camel"):
    """Every verb on every resource of every group; with names only on objects of these names."""

    verbs: tuple[str, ...] = ()
    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()


def lacking(wanted: Iterable[Rule], given: Iterable[Rule]) -> list[str]:
    """What is wanted and not given: `list nodes`, `patch deployments.apps/scale`, each once."""
    rules = list(given)
    missing = [
        f"{verb} {_named(group, resource, name)}"
        for verb, group, resource, name in _each(wanted)
        if not any(_grants(rule, verb, group, resource, name) for rule in rules)
    ]
    return list(dict.fromkeys(missing))


def _each(rules: Iterable[Rule]) -> Iterator[tuple[str, str, str, str]]:
    for rule in rules:
        names = rule.resource_names or ("",)
        yield from product(rule.verbs, rule.api_groups, rule.resources, names)


def _grants(rule: Rule, verb: str, group: str, resource: str, name: str) -> bool:
    inside = resource.partition("/")[2]
    return (
        _has(rule.verbs, verb)
        and _has(rule.api_groups, group)
        and (_has(rule.resources, resource) or bool(inside and f"*/{inside}" in rule.resources))
        and (not rule.resource_names or name in rule.resource_names)
    )


def _has(words: tuple[str, ...], word: str) -> bool:
    return word in words or _ALL in words


def _named(group: str, resource: str, name: str) -> str:
    kind, slash, inside = resource.partition("/")
    whole = f"{kind}.{group}" if group else kind
    return f"{whole}{slash}{inside}" + (f" {name}" if name else "")


known(Rule)
