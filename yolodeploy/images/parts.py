"""The parts of an image as CycloneDX components: packages, the system, our server, the model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from yolodeploy.core.release import ModelFacts
from yolodeploy.images import cyclonedx as cdx
from yolodeploy.images.model_layer import OURS, model_license
from yolodeploy.images.packages import Package
from yolodeploy.oci import our_image
from yolodeploy.oci.manifests import Descriptor, ImageConfig, Manifest

TITLE = "org.opencontainers.image.title"
VERSION = "org.opencontainers.image.version"


def system_part(system: Mapping[str, str]) -> list[cdx.Component]:
    """The operating system, where an os-release names it."""
    name, version = system.get("ID", ""), system.get("VERSION_ID", "")
    if not name:
        return []
    ref = f"os:{name}@{version}"
    return [cdx.Component(type="operating-system", name=name, version=version, bom_ref=ref)]


def package_part(
    package: Package, kind: str, paths: Iterable[str], system: Mapping[str, str]
) -> cdx.Component:
    """A package of a layer of some kind, and the files that say that it is there."""
    purl = package_url(package, system)
    return cdx.Component(
        type="library",
        name=package.name,
        version=package.version,
        bom_ref=purl,
        purl=purl,
        licenses=_licenses(package.licenses, package.expression),
        evidence=cdx.Evidence(
            occurrences=tuple(cdx.Occurrence(location=path) for path in sorted(paths))
        ),
        properties=(cdx.Property(name=our_image.LAYER_KIND, value=kind),),
    )


def package_url(package: Package, system: Mapping[str, str]) -> str:
    """What a package is called everywhere (purl): scanners look vulnerabilities up by it."""
    if package.kind == "pypi":
        name = re.sub(r"[-_.]+", "-", package.name).lower()
        return f"pkg:pypi/{_quoted(name)}@{_quoted(package.version)}"
    vendor = system.get("ID", "debian")
    release = system.get("VERSION_ID", "")
    further = {
        "arch": package.architecture,
        "distro": f"{vendor}-{release}" if release else "",
        "upstream": package.source,
    }
    text = "&".join(f"{key}={_quoted(value)}" for key, value in further.items() if value)
    named = f"pkg:deb/{_quoted(vendor)}/{_quoted(package.name)}@{_quoted(package.version)}"
    return f"{named}?{text}" if text else named


def _quoted(text: str) -> str:
    return quote(text, safe=":")


def _licenses(named: tuple[str, ...], expression: bool) -> tuple[cdx.LicenseChoice, ...]:
    if expression:
        return tuple(cdx.LicenseChoice(expression=text) for text in named[:1])
    return tuple(cdx.LicenseChoice(license=cdx.License(name=text)) for text in named)


def _property(layer: Descriptor) -> tuple[cdx.Property, ...]:
    return (cdx.Property(name=our_image.LAYER_KIND, value=our_image.kind_of(layer)),)


def program_part(version: str, layer: Descriptor | None = None) -> cdx.Component:
    """Ourselves: the server in a layer, or without one the tool that made the list."""
    purl = f"pkg:generic/yolodeploy@{_quoted(version)}"
    return cdx.Component(
        type="application",
        name="yolodeploy",
        version=version,
        bom_ref=purl if layer else "tool",
        purl=purl,
        licenses=_licenses((OURS,), True),
        properties=_property(layer) if layer else (),
    )


def model_part(facts: ModelFacts, layer: Descriptor) -> cdx.Component:
    """The model, by its digest."""
    named = model_license(facts)
    return cdx.Component(
        type="machine-learning-model",
        name="model.onnx",
        version=facts.digest,
        bom_ref=f"model:{facts.digest}",
        hashes=(_hash(facts.digest),),
        licenses=_licenses((named,), True) if named else (),
        model_card=cdx.ModelCard(model_parameters=cdx.Parameters(task=facts.task)),
        properties=(
            cdx.Property(name="io.yolodeploy.input", value=f"{facts.width}x{facts.height}"),
            cdx.Property(name="io.yolodeploy.opset", value=str(facts.opset)),
            *_property(layer),
        ),
    )


def image_part(digest: str, manifest: Manifest, config: ImageConfig) -> cdx.Component:
    """The image itself, with the digests of its layers."""
    name = manifest.annotations.get(TITLE) or "image"
    version = manifest.annotations.get(VERSION, "")
    purl = f"pkg:oci/{_quoted(name)}@{_quoted(digest)}?arch={_quoted(config.architecture)}"
    return cdx.Component(
        type="container",
        name=name,
        version=version,
        bom_ref=purl,
        purl=purl,
        hashes=(_hash(digest),),
        properties=tuple(
            cdx.Property(name=f"{our_image.LAYER_KIND}.{kind}", value=layer.digest)
            for layer in manifest.layers
            for kind in (our_image.kind_of(layer),)
        ),
    )


def _hash(digest: str) -> cdx.Hash:
    return cdx.Hash(alg="SHA-256", content=digest.removeprefix("sha256:"))
