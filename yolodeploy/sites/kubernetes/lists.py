"""Lists of objects, page by page."""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from yolodeploy.core.errors import NotFound
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.objects import ListMetadata, Metadata

PAGE = 500
"""Objects a request: as many as kubectl asks for."""


class Item(Protocol):
    """Any object."""

    @property
    def metadata(self) -> Metadata:
        """Its name and version."""
        ...


T_co = TypeVar("T_co", bound=Item, covariant=True)


class ListOf(Protocol[T_co]):
    """A list of objects of one kind."""

    @property
    def items(self) -> tuple[T_co, ...]:
        """Those of this page."""
        ...

    @property
    def metadata(self) -> ListMetadata:
        """Of which version it is, and whether it goes on."""
        ...


T = TypeVar("T", bound=Item)


class Listed(NamedTuple, Generic[T]):
    """All of a list; `version` is where a watch goes on."""

    items: tuple[T, ...]
    version: str


def listed(
    connection: Connection, path: str, kind: type[ListOf[T]], selector: str = ""
) -> Listed[T]:
    """A whole list; begun again once where it was so slow that its first page is forgotten.

    Raises:
        As `Connection.get`.
    """
    try:
        return _pages(connection, path, kind, selector)
    except NotFound as error:
        if error.code != "kubernetes.too_old":
            raise
        return _pages(connection, path, kind, selector)


def _pages(connection: Connection, path: str, kind: type[ListOf[T]], selector: str) -> Listed[T]:
    query: dict[str, Any] = {"limit": PAGE}
    if selector:
        query["labelSelector"] = selector
    items: tuple[T, ...] = ()
    while True:
        page = connection.get(path, kind, **query)
        items += page.items
        if not page.metadata.goes_on:
            return Listed(items, page.metadata.resource_version)
        query["continue"] = page.metadata.goes_on
