"""The images of a cluster's releases: under which name, how large, what is in them, and where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from yolodeploy.core.errors import YolodeployError
from yolodeploy.core.release import ReleaseSpec
from yolodeploy.core.site import Prefetched
from yolodeploy.oci import our_image
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.server_files import has_server_file
from yolodeploy.sites.kubernetes import prefetching, records
from yolodeploy.sites.kubernetes.connection import Connection
from yolodeploy.sites.kubernetes.engine_outlook import hostname
from yolodeploy.sites.kubernetes.fitting import Fitting
from yolodeploy.sites.kubernetes.manifests import Manifests, Object
from yolodeploy.sites.kubernetes.objects import WholeNode
from yolodeploy.sites.kubernetes.paths import place
from yolodeploy.sites.kubernetes.setups import Setups

GUARD_FILE = "serve/guard/tracks.py"
"""In images whose guard can try a release beside another."""

KEEPER_FILE = "serve/keeper/taking.py"
"""In those whose server takes engines in."""

LEASES_FILE = "serve/sources/leases.py"
"""In those whose server agrees with others who reads a camera."""


class Images:
    """One cluster's images.

    `name_of` gives the name of an image by its digest, as pods ask for it (`HOST/REPOSITORY`);
    `layout` is the image layout here, which knows what was built here.
    """

    def __init__(
        self,
        connection: Connection,
        layout: Path,
        name_of: Callable[[str], str],
        manifests: Manifests,
        setups: Setups,
        fitting: Fitting,
    ) -> None:
        self._connection = connection
        self._layout = layout
        self._name_of = name_of
        self._manifests = manifests
        self._setups = setups
        self._fitting = fitting

    def name(self, spec: ReleaseSpec) -> str:
        """As the release was brought here, where it was; names change, what runs must not."""
        kept = records.image_of(self._connection, spec.app, spec.digest)
        return kept or f"{self._name_of(spec.image)}@{spec.image}"

    def knows(self, image: str, file: str) -> bool:
        """Whether what is in an image has learnt something, by a file of it.

        Of one that was built elsewhere nobody here knows; an old guard then refuses it itself.
        """
        try:
            return has_server_file(self._layout, image, file)
        except YolodeployError:
            return True

    def lacks_base(self, image: str) -> bool:
        """Whether nothing is in an image but what is ours: no Python that could run it.

        Of one that was built elsewhere nobody here knows; prefetching then tells.
        """
        try:
            manifest = Layout(self._layout).read_manifest(image)
        except YolodeployError:
            return False
        return not our_image.layers_of(manifest, our_image.BASE, our_image.RUNTIME)

    def lacking_bytes(self, spec: ReleaseSpec) -> int:
        """The image's size for every node that does not name it; of some layers it may have."""
        image = self.name(spec)
        nodes = self._fitting.candidates(spec)
        return self._size(spec.image) * sum(prefetching.lacks(node, image) for node in nodes)

    def prefetch(self, spec: ReleaseSpec) -> Prefetched:
        """Have every node that may run it pull the image.

        Raises:
            Failed: `kubernetes.not_pulled`, `kubernetes.not_run`, `kubernetes.no_pull`.
            Refused: `kubernetes.denied`.
        """
        image = self.name(spec)
        nodes = self._fitting.candidates(spec)
        lacking = [node for node in nodes if prefetching.lacks(node, image)]
        jobs = self._jobs(spec, image, lacking) if lacking else []
        there = len(nodes) - len(lacking)
        return prefetching.bring(self._connection, jobs, self._size(spec.image), there)

    def _size(self, image: str) -> int:
        try:
            manifest = Layout(self._layout).read_manifest(image)
        except YolodeployError:
            return 0  # built elsewhere: nobody here knows
        return sum(layer.size for layer in manifest.layers)

    def _jobs(self, spec: ReleaseSpec, image: str, nodes: Sequence[WholeNode]) -> list[Object]:
        for item in self._manifests.surroundings(spec.app)[:2]:
            path = place(item["kind"], spec.app, item["metadata"]["name"])
            self._setups.check_namespace(spec.app)
            self._connection.apply(path, item)
        return [
            self._manifests.prefetch(spec.digest, spec.app, image, hostname(node)) for node in nodes
        ]
