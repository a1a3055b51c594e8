"""What images are called by the pods that run them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home


def names_for_pods(home: Home) -> Callable[[str], str]:
    """Gives `HOST/REPOSITORY` by digest: as `image push` and `image send` call it by default.

    Raises:
        NotFound: `inventory.unknown_image`, when it is called.
    """

    def name_of(digest: str) -> str:
        from yolodeploy.ops.settings import settings
        from yolodeploy.ops.transfers import found_image, target_of

        _, name = found_image(home, digest)
        title = name.rpartition("/")[2].partition(":")[0]
        registry = settings()["registry"].value
        return target_of(name, digest, "" if registry else f"localhost/{title}").name

    return name_of
