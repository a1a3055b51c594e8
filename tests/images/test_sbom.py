"""If these fail, a list of parts names what is not in the image, or leaves out what is."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st
from onnx_samples import facts_of
from packageurl import PackageURL

from yolodeploy import __version__
from yolodeploy.core.errors import Corrupt, Refused, UsageError
from yolodeploy.images.build import build
from yolodeploy.images.packages import debian_licenses, debian_packages, python_package
from yolodeploy.images.sbom import sbom
from yolodeploy.oci import media_types
from yolodeploy.oci.compression import Compression
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor, ImageConfig, Manifest, RootFs
from yolodeploy.oci.tar_reader import Limits
from yolodeploy.oci.visible import visible

STATUS = """Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc
Version: 2.36-9+deb12u10
Description: GNU C Library
 Not: a field

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1.0

Package: cpp-12
Status: install ok installed
Architecture: amd64
Source: gcc-12 (12.2.0-14)
Version: 1:12.2.0-14~x
"""
COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
License: LGPL-2.1+

License: GPL-2
 the text
License: LGPL-2.1+
"""
METADATA = """Metadata-Version: 2.4
Name: Some_Package
Version: 2.0.1
License-Expression: MIT OR Apache-2.0
License: old words

Version: 9.9
"""


def tar(files: dict[str, str | None]) -> bytes:
    """A layer as docker writes it; `None` is a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, text in files.items():
            info = tarfile.TarInfo(path)
            if text is None:
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
                continue
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
        device = tarfile.TarInfo("dev/null")
        device.type = tarfile.CHRTYPE
        archive.addfile(device)
    return out.getvalue()


def base_of(layout: Layout, *layers: dict[str, str | None]) -> str:
    described = tuple(
        layout.add_blob((gzip.compress(tar(files), mtime=0),), media_types.LAYER_GZIP)
        for files in layers
    )
    diff_ids = tuple(layer.digest for layer in described)
    config = ImageConfig(architecture="arm64", os="linux", rootfs=RootFs(diff_ids=diff_ids))
    manifest = Manifest(
        media_type=media_types.MANIFEST,
        config=layout.add_json(config, media_types.CONFIG),
        layers=described,
    )
    found = layout.add_json(manifest, media_types.MANIFEST)
    layout.set_ref(found, "base")
    return found.digest


DEBIAN = {
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
    "var/lib/dpkg/status": STATUS,
    "usr/share/doc/libc6/copyright": COPYRIGHT,
    "usr/lib/python3/dist-packages/some_package-2.0.1.dist-info/METADATA": METADATA,
}


def parts_of(content: bytes) -> dict[str, dict[str, object]]:
    return {part["bom-ref"]: part for part in json.loads(content)["components"]}


def test_an_image_is_listed_as_the_standard_says(layout: Layout, model: Path) -> None:
    facts = facts_of(model)
    image = build(layout, model, facts, base=base_of(layout, DEBIAN), name="disc:v7")
    content = sbom(layout, image.digest)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(content.decode()) is None
    parts = parts_of(content)
    libc = "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12&upstream=glibc"
    cpp = (
        "pkg:deb/debian/cpp-12@1:12.2.0-14~x?arch=amd64&distro=debian-12"
        "&upstream=gcc-12%4012.2.0-14"
    )
    assert set(parts) == {
        libc, cpp, "pkg:pypi/some-package@2.0.1", "os:debian@12",
        f"pkg:generic/yolodeploy@{__version__}", f"model:{facts.digest}",
    }  # fmt: skip
    for ref in (libc, cpp, "pkg:pypi/some-package@2.0.1"):
        assert PackageURL.from_string(ref).to_string() == ref
    assert parts[libc]["licenses"] == [
        {"license": {"name": "LGPL-2.1+"}}, {"license": {"name": "GPL-2"}},
    ]  # fmt: skip
    assert parts["pkg:pypi/some-package@2.0.1"]["licenses"] == [{"expression": "MIT OR Apache-2.0"}]
    listed = parts[f"model:{facts.digest}"]
    assert listed["type"] == "machine-learning-model"
    assert listed["licenses"] == [{"expression": "AGPL-3.0"}]
    assert listed["hashes"] == [{"alg": "SHA-256", "content": facts.digest[7:]}]
    whole = json.loads(content)["metadata"]["component"]
    assert (whole["name"], whole["version"]) == ("disc", "v7")
    assert whole["hashes"][0]["content"] == image.digest[7:]


def test_the_same_image_has_the_same_list_anywhere(tmp_path: Path, model: Path) -> None:
    found = []
    for name in ("one", "two"):
        layout = Layout(tmp_path / name).create()
        image = build(layout, model, facts_of(model), base=base_of(layout, DEBIAN), name="disc")
        found.append(sbom(layout, image.digest))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("upper", "listed"),
    [
        ({"usr/lib/python3/dist-packages/.wh.some_package-2.0.1.dist-info": ""}, False),
        ({"usr/lib/python3/.wh.dist-packages": ""}, False),
        ({"usr/lib/python3/.wh..wh..opq": ""}, False),
        ({".wh.usr": ""}, False),
        ({"usr/lib/python3": "a file now"}, False),
        ({"usr/lib/python3": None}, True),
        ({"usr/lib/python3/.wh.other": ""}, True),
        ({"usr/lib/.wh.python": ""}, True),
    ],
)
def test_what_a_higher_layer_removes_is_not_listed(
    upper: dict[str, str | None], listed: bool, layout: Layout
) -> None:
    content = sbom(layout, base_of(layout, DEBIAN, upper))
    assert ("pkg:pypi/some-package@2.0.1" in parts_of(content)) == listed


def test_an_update_in_a_higher_layer_is_what_counts(layout: Layout) -> None:
    newer = STATUS.replace("2.36-9+deb12u10", "2.36-9+deb12u11")
    distroless = {"var/lib/dpkg/status.d/tzdata": "Package: tzdata\nVersion: 2026a\n"}
    digest = base_of(layout, DEBIAN, {"var/lib/dpkg/status": newer}, distroless)
    refs = " ".join(parts_of(sbom(layout, digest)))
    assert "deb12u11" in refs
    assert "deb12u10" not in refs
    assert "pkg:deb/debian/tzdata@2026a?distro=debian-12" in refs
    assert "pkg:deb/debian/gone" not in refs


def test_hostile_words_stay_words(layout: Layout) -> None:
    """A package's name and licence are its author's text."""
    hostile = "Name: a\x1b[2J&x=1#?/../b\u202e\nVersion: 1 2@3\nLicense: " + "x" * 5000 + "\n"
    content = sbom(layout, base_of(layout, {"x-1.dist-info/METADATA": hostile}))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(content.decode()) is None
    assert b"\x1b" not in content
    [part] = parts_of(content).values()
    assert PackageURL.from_string(str(part["purl"])).version == "1 2@3"
    assert len(content) < 5000


def test_what_is_damaged_or_no_image_is_said(layout: Layout, model: Path) -> None:
    digest = base_of(layout, DEBIAN)
    layer = layout.read_manifest(digest).layers[0]
    path = layout.blobs.path(layer.digest)
    sound = path.read_bytes()
    path.write_bytes(sound[:-9] + b"x" * 9)
    with pytest.raises(Corrupt) as raised:
        sbom(layout, digest)
    assert raised.value.code == "oci.blob_corrupt"
    path.write_bytes(sound)
    spoiled = base_of(layout, {"opt/yolodeploy/model/model.json": "{}"})
    with pytest.raises(Corrupt) as raised:
        sbom(layout, spoiled)
    assert raised.value.code == "image.model_facts"
    index = layout.add_blob((b'{"schemaVersion":2,"manifests":[]}',), media_types.INDEX)
    with pytest.raises(UsageError) as refused:
        sbom(layout, index.digest)
    assert refused.value.code == "oci.is_index"


@pytest.mark.parametrize("compression", [media_types.LAYER_GZIP, media_types.LAYER_ZSTD])
def test_a_bomb_in_a_base_is_stopped(compression: str, layout: Layout) -> None:
    content = tar({"zeros": "\0" * (30 << 20)})
    if compression == media_types.LAYER_GZIP:
        small = gzip.compress(content)
    else:
        small = b"".join(Compression.ZSTD.compressed([content]))
    layer = layout.add_blob((small,), compression)
    assert layer.size < 100_000
    with pytest.raises(Refused) as raised:
        visible(layout, [layer], lambda _: 0, lambda path, _: path, limits=Limits(10, 1 << 20))
    assert raised.value.code == "oci.layer_bytes"
    # content of which nothing is wanted takes no memory either
    assert visible(layout, [layer], lambda _: 5, lambda _, text: len(text))["zeros"].value == 5


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/x", "a/" * 500 + "x"])
def test_a_path_that_leads_out_of_a_base_is_refused(path: str, layout: Layout) -> None:
    with pytest.raises(Refused) as raised:
        sbom(layout, base_of(layout, {path: "x"}))
    assert raised.value.code == "oci.layer_path"


def test_a_base_of_countless_packages_is_refused(layout: Layout) -> None:
    status = "".join(f"Package: p{number}\nVersion: 1\n\n" for number in range(20_001))
    with pytest.raises(Refused) as raised:
        sbom(layout, base_of(layout, {"var/lib/dpkg/status": status}))
    assert raised.value.code == "image.too_many_packages"


@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_an_error(content: bytes) -> None:
    for text in (content, b"Format:" + content, b"Name: x\nVersion: 1\n" + content):
        debian_packages(text)
        debian_licenses(text)
        python_package(text)


_NAMES = st.sampled_from(["a", "b", "c"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_WHITEOUTS = st.tuples(st.lists(_NAMES, max_size=2), st.sampled_from([".wh.a", ".wh..wh..opq"]))
_LAYERS = st.lists(
    st.dictionaries(st.one_of(_PATHS, _WHITEOUTS.map(lambda x: "/".join([*x[0], x[1]]))),
                    st.one_of(st.none(), st.just("1")), max_size=4),
    min_size=1, max_size=4,
)  # fmt: skip


@given(_LAYERS)
def test_the_files_seen_are_those_of_an_unpacked_image(layers: list[dict[str, str | None]]) -> None:
    """Against a plain model: each layer's removals on the tree below, then what it adds."""
    import tempfile

    sound = [_without_clashes(files) for files in layers]
    tree: dict[str, int] = {}
    for number, files in enumerate(sound):
        for path, text in files.items():
            folder, _, name = path.rpartition("/")
            if name == ".wh..wh..opq":
                _drop(tree, folder, itself=False)
            elif name.startswith(".wh."):
                _drop(tree, f"{folder}/{name[4:]}".lstrip("/"), itself=True)
            elif text is None:
                tree.pop(path, None)
            else:
                _drop(tree, path, itself=True)
        tree |= {path: number for path, text in files.items() if text and ".wh." not in path}
    with tempfile.TemporaryDirectory() as folder_name:
        layout = Layout(Path(folder_name) / "layout").create()
        described = [
            layout.add_blob((tar({**files, "mark": str(number)}),), media_types.LAYER_TAR)
            for number, files in enumerate(sound)
        ]
        seen = visible(layout, described, lambda path: path != "mark", lambda path, _: path)
        places: dict[str, Descriptor] = {path: item.layer for path, item in seen.items()}
    assert {path: described[number].digest for path, number in tree.items()} == {
        path: layer.digest for path, layer in places.items()
    }


def _drop(tree: dict[str, int], path: str, *, itself: bool) -> None:
    for other in list(tree):
        if other.startswith(f"{path}/") or not path or (itself and other == path):
            del tree[other]


def _without_clashes(files: dict[str, str | None]) -> dict[str, str | None]:
    """One layer never has a file and something below it."""
    plain = {path for path, text in files.items() if text and ".wh." not in path}
    return {
        path: text or ("" if ".wh." in path else None)
        for path, text in files.items()
        if not any(path.startswith(f"{other}/") for other in plain)
    }
