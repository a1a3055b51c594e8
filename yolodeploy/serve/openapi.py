"""The OpenAPI 3.1 document, made from the table of routes and from the types that go over the wire.

Loaded when somebody asks for the document.
"""

from __future__ import annotations

from collections import defaultdict
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

import msgspec

from yolodeploy import __version__
from yolodeploy.core.serving import ErrorResponse
from yolodeploy.serve.http import JSON, STATUS
from yolodeploy.serve.routes.operation import ListOf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from yolodeploy.serve.routes.operation import Content, Operation, Parameter

    Document = dict[str, Any]
    SchemaOf = dict[Any, Document]

PLACE = "#/components/schemas/{name}"
SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}


def document(operations: Sequence[Operation]) -> bytes:
    """The document of a table, as JSON."""
    kinds = list(dict.fromkeys(_kinds(operations)))
    schemas, components = msgspec.json.schema_components(kinds, ref_template=PLACE)
    for component in components.values():
        component["description"] = cleandoc(component.get("description", ""))
    schema_of: SchemaOf = dict(zip(kinds, schemas, strict=True))
    paths: dict[str, Document] = defaultdict(dict)
    for one in operations:
        paths[one.path][one.method.lower()] = _operation(one, schema_of)
    told = {
        "openapi": "3.1.0",
        "info": {
            "title": "yolodeploy inference server",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": SECURITY},
    }
    return msgspec.json.encode(told)


def _kinds(operations: Sequence[Operation]) -> Iterator[Any]:
    yield ErrorResponse
    for one in operations:
        for content in (*one.gives, *one.takes):
            yield from _types(content.kinds)
        if one.refused_with is not None:
            yield one.refused_with


def _types(kinds: Iterable[Any]) -> Iterator[Any]:
    for kind in kinds:
        if isinstance(kind, ListOf):
            yield from _types(kind.kinds)
        elif not isinstance(kind, dict):
            yield kind


def _operation(one: Operation, schema_of: SchemaOf) -> Document:
    told: Document = {"summary": one.text, "responses": _responses(one, schema_of)}
    if one.parameters:
        told["parameters"] = [_parameter(parameter) for parameter in one.parameters]
    if one.takes:
        told["requestBody"] = {"required": True, "content": _contents(one.takes, schema_of)}
    if "serve.unauthorized" in one.errors:
        # a server without a token file asks nobody
        told["security"] = [{}, *({name: []} for name in SECURITY)]
    return told


def _responses(one: Operation, schema_of: SchemaOf) -> Document:
    codes: dict[int, list[str]] = defaultdict(list)
    for code in (*one.errors, "serve.internal"):
        codes[STATUS.get(code, 500)].append(code)
    refused = {JSON: {"schema": schema_of[one.refused_with or ErrorResponse]}}
    responses: Document = {}
    if one.gives:
        responses["200"] = {"description": one.text, "content": _contents(one.gives, schema_of)}
    else:
        responses["101"] = {"description": one.text}
    for status, told in sorted(codes.items()):
        responses[str(status)] = {"description": ", ".join(sorted(told)), "content": refused}
    return responses


def _contents(contents: Sequence[Content], schema_of: SchemaOf) -> Document:
    return {
        content.media_type: {"schema": _any(content.kinds, schema_of)} if content.kinds else {}
        for content in contents
    }


def _any(kinds: Sequence[Any], schema_of: SchemaOf) -> Document:
    schemas = [_schema(kind, schema_of) for kind in kinds]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _schema(kind: Any, schema_of: SchemaOf) -> Document:
    if isinstance(kind, dict):
        return kind
    if isinstance(kind, ListOf):
        return {"type": "array", "items": _any(kind.kinds, schema_of)}
    return schema_of[kind]


def _parameter(parameter: Parameter) -> Document:
    return {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.where == "path",
        "description": parameter.text,
        "schema": dict(parameter.schema),
    }
