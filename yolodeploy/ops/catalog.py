"""Actions on models, images, apps and releases."""

from __future__ import annotations

import time
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from yolodeploy.core.errors import UsageError
from yolodeploy.core.gates import AgreementGate, Change, Gate
from yolodeploy.core.gpu_sharing import parsed
from yolodeploy.core.names import checked_name, nearest_name
from yolodeploy.core.release import Release, ReleaseSpec, Resources, Serving
from yolodeploy.core.text import one_line
from yolodeploy.images.build import BuiltImage, Origin, build, source_date_epoch
from yolodeploy.images.intake import model_facts
from yolodeploy.images.model_store import store_model
from yolodeploy.images.multi_arch import image_for
from yolodeploy.images.signatures import read_public_key
from yolodeploy.inventory import catalog
from yolodeploy.inventory.catalog import AppRow, Layer, ModelRow
from yolodeploy.inventory.connection import open_inventory, read_inventory
from yolodeploy.inventory.releases import add_release, list_releases
from yolodeploy.oci.compression import Compression
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.registry.platforms import parse_platform
from yolodeploy.oci.registry.reference import parse_reference
from yolodeploy.ops.files import read_file
from yolodeploy.ops.opening import present_inventory
from yolodeploy.ops.provenance import require_signature

if TYPE_CHECKING:
    from yolodeploy.ops.home import Home

LARGEST_GATES_BYTES = 1 << 20


def add_model(home: Home, path: Path, name: str = "", *, dry_run: bool = False) -> ModelRow:
    """Take a model in: probed in a process of its own, copied, remembered.

    Raises:
        Everything of `images.intake.model_facts` and `images.model_store.store_model`.
        Refused: `inventory.model_exists`.
    """
    name = checked_name("model", name) if name else nearest_name(path.stem)
    facts = model_facts(path)
    if dry_run:
        if home.inventory.exists():
            with read_inventory(home.inventory) as inventory:
                catalog.check_model(inventory, name, facts)
        return ModelRow(name, facts, str(path), time.time())
    place = store_model(home.create().models, path.expanduser().absolute(), facts)
    with open_inventory(home.inventory) as inventory:
        return catalog.add_model(inventory, name, facts, str(place), at=time.time())


def build_image(
    home: Home,
    model: str,
    *,
    base: str | None = None,
    name: str = "",
    compression: str = "none",
    platform: str = "",
    source: str = "",
    revision: str = "",
    dry_run: bool = False,
) -> BuiltImage:
    """Put server and model on a base (or on nothing) in the local layout.

    `base` is the digest or the name of an image in the layout, as `image pull` left it; of an index
    the image for `platform` is taken. `source` and `revision` are annotations.

    Raises:
        NotFound: `inventory.unknown_model`, `oci.no_image`, `oci.no_layout`,
            `registry.no_platform`.
        UsageError: `registry.platform_invalid`.
        Refused: `image.which_platform`.
        Everything of `images.build.build`.
    """
    origin = Origin(source, revision, _as_reference(base or ""))
    wanted = parse_platform(platform) if platform else None
    if base and not base.startswith("sha256:"):
        base = Layout(home.layout).find(base).digest
    if base:
        base = image_for(Layout(home.layout), base, wanted)
    layout = Layout(home.layout)
    with ExitStack() as stack:
        inventory = stack.enter_context(present_inventory(home, dry_run=dry_run))
        row = catalog.get_model(inventory, model)
        # held until the inventory knows the image: only then a prune can tell that it is wanted
        stack.enter_context(nullcontext() if dry_run else layout.create().in_use())
        built = build(
            layout,
            Path(row.path),
            row.facts,
            base=base,
            name=name or row.name,
            created=source_date_epoch(),
            compression=Compression(compression),
            origin=origin,
            dry_run=dry_run,
        )
        if not dry_run:
            layers = tuple(Layer(item.kind, item.digest, item.size_bytes) for item in built.layers)
            catalog.add_image(
                inventory, built.digest, built.name, built.model, layers, at=time.time()
            )
    return built


def _as_reference(base: str) -> str:
    """A base's name where it says where the base came from: other names are this machine's."""
    try:
        return str(parse_reference(base)) if base else ""
    except UsageError:
        return ""


def create_app(
    home: Home,
    name: str,
    description: str = "",
    frames: str = "",
    *,
    signed_by: Path | None = None,
    unsigned: bool = False,
    dry_run: bool = False,
) -> AppRow:
    """Remember an app, or change what is said of it.

    From then on its images must be signed by the holder of the key in `signed_by`; with `unsigned`
    they need not be any more.

    Raises:
        UsageError: `name.invalid`, `image.key_unreadable`.
        Refused: `image.needs_signing`.
        NotFound: `ops.no_frames`, `ops.unreadable`.
        UsageError: `ops.bad_labels`.
    """
    from yolodeploy.ops.pictures import golden_in, pictures_in

    checked_name("app", name)
    description = one_line(description)
    folder = str(Path(frames).expanduser().absolute()) if frames else ""
    if folder:
        pictures_in(Path(folder), most=1)
        golden_in(Path(folder))
    key = "" if unsigned else read_public_key(signed_by).pem if signed_by else None
    if dry_run:
        return AppRow(name, description, folder, time.time(), 0, key or "")
    with open_inventory(home.create().inventory) as inventory:
        return catalog.add_app(inventory, name, description, folder, key, at=time.time())


def create_release(
    home: Home,
    app: str,
    image: str,
    *,
    serving: Serving | None = None,
    resources: Resources | None = None,
    gates: tuple[Gate, ...] | None = None,
    meant: tuple[Change, ...] = (),
    dry_run: bool = False,
) -> Release:
    """A release of an app from an image; the same specification again is the same release.

    `meant` is what it is to do otherwise than the release before it, on purpose.

    Raises:
        UsageError: `ops.meant_class`, the model has no such class; `ops.meant_nothing`, no gate
            looks at agreement.
        NotFound: `inventory.unknown_app`, `inventory.unknown_image`, `inventory.unknown_model`.
        Refused: `image.policy_*`, the image is not signed as the app asks for.
    """
    with present_inventory(home, dry_run=dry_run) as inventory:
        rules = catalog.get_app(inventory, app)
        row = catalog.get_image(inventory, image)
        require_signature(home, rules, row.digest)
        model = catalog.get_model(inventory, row.model)
        spec = ReleaseSpec(
            app=app,
            image=row.digest,
            model=row.model,
            classes=model.facts.classes,
            serving=serving or Serving(),
            resources=resources or Resources(),
        )
        if gates is not None:
            spec = msgspec.structs.replace(spec, gates=gates)
        if meant:
            spec = msgspec.structs.replace(spec, gates=_with_meant(spec, meant))
        if dry_run:
            known = [item for item in list_releases(inventory, app) if item.digest == spec.digest]
            newest = max((item.release.number for item in list_releases(inventory, app)), default=0)
            return known[0].release if known else Release(newest + 1, spec)
        return add_release(inventory, spec, at=time.time())


def resources_of(cpu_millis: int, memory_mb: int, gpus: int, vram_mb: int, mig: str) -> Resources:
    """What an instance of a release may take; of a MIG profile, one where no number is given.

    Raises:
        UsageError: `gpu.sharing_invalid`.
    """
    if not mig:
        return Resources(cpu_millis=cpu_millis, memory_mb=memory_mb, gpus=gpus, vram_mb=vram_mb)
    profile = parsed(f"mig:{mig}").profile
    return Resources(cpu_millis, memory_mb, gpus or 1, vram_mb, profile)


def _with_meant(spec: ReleaseSpec, meant: tuple[Change, ...]) -> tuple[Gate, ...]:
    for change in meant:
        if change.name not in spec.classes:
            classes = ", ".join(spec.classes)
            raise UsageError("ops.meant_class", name=change.name, classes=classes)
    if not any(isinstance(gate, AgreementGate) for gate in spec.gates):
        raise UsageError("ops.meant_nothing", app=spec.app)
    return tuple(
        msgspec.structs.replace(gate, meant=meant) if isinstance(gate, AgreementGate) else gate
        for gate in spec.gates
    )


def gates_from(path: Path) -> tuple[Gate, ...]:
    """Gates written as JSON, in the form that `release show -o json` has under `gates`.

    Raises:
        UsageError: `ops.bad_gates`, `ops.file_too_large`.
        NotFound: `ops.unreadable`.
    """
    content = read_file(path, LARGEST_GATES_BYTES)
    try:
        return msgspec.json.decode(content, type=tuple[Gate, ...])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError("ops.bad_gates", path=path, reason=error) from error
