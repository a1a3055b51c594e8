"""If these fail, the same model gives two images, an update moves more than the model, or a build
that broke leaves something behind."""

import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from onnx_samples import facts_of, write_model

import yolodeploy
from yolodeploy.core.errors import Corrupt, Failed, NotFound, UsageError
from yolodeploy.core.release import ModelFacts
from yolodeploy.images.build import BuiltImage, build, source_date_epoch
from yolodeploy.images.model_layer import license_expression
from yolodeploy.images.server_layer import server_files
from yolodeploy.oci import our_image
from yolodeploy.oci.checks import verify
from yolodeploy.oci.compression import Compression
from yolodeploy.oci.layer_store import LayerStore
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import Descriptor, ImageConfig, Manifest, RootFs
from yolodeploy.oci.media_types import CONFIG, LAYER_TAR, MANIFEST
from yolodeploy.oci.prune import prune


def built(layout: Layout, model: Path, **options: object) -> BuiltImage:
    return build(layout, model, facts_of(model), name="brake-disc", **options)  # type: ignore[arg-type]


def test_the_same_inputs_give_the_same_image_anywhere(tmp_path: Path, model: Path) -> None:
    digests = set()
    for name, mask in (("one", 0o022), ("two", 0o077)):
        before = os.umask(mask)
        try:
            (tmp_path / name).mkdir()
            copy = shutil.copyfile(model, tmp_path / name / "other-name.onnx")
            os.utime(copy, (mask, mask))
            layout = Layout(tmp_path / name / "layout").create()
            digests.add(built(layout, copy).digest)
        finally:
            os.umask(before)
        blob = next(layout.blobs.folder.iterdir())
        assert blob.stat().st_mode & 0o777 == 0o644
        assert layout.path.stat().st_mode & 0o777 == 0o700
    assert len(digests) == 1


@pytest.mark.parametrize("compression", list(Compression))
def test_a_compressed_image_is_the_same_image_unpacked(
    compression: Compression, layout: Layout, model: Path, tmp_path: Path
) -> None:
    """Same configuration, and so the same uncompressed digests; an embedded site can run it."""
    plain = built(layout, model)
    found = built(layout, model, compression=compression)
    assert verify(layout, found.digest) == ()
    manifest, before = layout.read_manifest(found.digest), layout.read_manifest(plain.digest)
    assert manifest.config == before.config
    assert (found.digest == plain.digest) == (compression is Compression.NONE)
    named = {layer.annotations.get(our_image.COMPRESSOR, "") for layer in manifest.layers}
    assert named == {compression.compressor}
    store = LayerStore(tmp_path / "store")
    for layer in manifest.layers:
        store.add(layout, layer)
    inside = store.path(manifest.layers[-1].digest) / our_image.MODEL_FILE.lstrip("/")
    assert inside.read_bytes() == model.read_bytes()


def test_the_package_may_lie_anywhere_and_caches_stay_out(tmp_path: Path) -> None:
    package = Path(yolodeploy.__file__).parent
    copy = tmp_path / "site-packages" / "yolodeploy"
    shutil.copytree(package, copy)
    (copy / "core" / "__pycache__").mkdir(exist_ok=True)
    (copy / "core" / "__pycache__" / "x.cpython-311.pyc").write_bytes(b"x")
    ours, theirs = ({f.path: f.source for f in server_files(p)} for p in (package, copy))
    assert ours.keys() == theirs.keys()
    assert "/opt/yolodeploy/yolodeploy/__init__.py" in ours
    assert "/opt/yolodeploy/yolodeploy/serve/probe.py" in ours
    assert {path.split("/")[4] for path in ours} == {"__init__.py", "core", "serve"}
    assert "/opt/yolodeploy/yolodeploy/serve/page/index.html" in ours
    assert {Path(path).suffix for path in ours} == {".py", ".html", ".css", ".js"}


def test_a_new_model_on_a_base_is_one_new_layer(
    layout: Layout, base: str, model: Path, tmp_path: Path
) -> None:
    first = built(layout, model, base=base)
    assert [(one.kind, one.reused) for one in first.layers] == [
        ("base", True), ("server", False), ("model", False),
    ]  # fmt: skip
    second = built(layout, write_model(tmp_path / "v2.onnx", 0.5), base=base)
    assert [one.reused for one in second.layers] == [True, True, False]
    assert second.new_bytes == second.layers[-1].size_bytes
    assert first.layers[:2] == tuple(
        type(one)(one.kind, one.digest, one.size_bytes, one.kind == "base")
        for one in second.layers[:2]
    )
    assert first.digest != second.digest
    assert layout.find("brake-disc").digest == second.digest
    assert verify(layout, first.digest) == verify(layout, second.digest) == ()


def test_what_is_in_the_image(layout: Layout, base: str, model: Path, tmp_path: Path) -> None:
    image = built(layout, model, base=base, created=86400)
    manifest = layout.read_manifest(image.digest)
    config = layout.read_config(manifest)
    run = config.config
    assert run is not None
    assert run.entrypoint == (
        "python", "-m", "yolodeploy.serve", "--config", "/etc/yolodeploy/serve.json",
    )  # fmt: skip
    assert (run.user, run.cmd, run.labels) == ("65532:65532", None, {"a": "b"})
    assert run.env == ("PATH=/usr/bin", "PYTHONPATH=/opt/yolodeploy:/engine")
    assert (config.architecture, config.variant) == ("arm64", "v8")
    assert config.created == "1970-01-02T00:00:00Z"
    assert config.rootfs.diff_ids == tuple(layer.digest for layer in manifest.layers)
    assert {layer.media_type for layer in manifest.layers} == {LAYER_TAR}
    assert [our_image.kind_of(layer) for layer in manifest.layers] == ["base", "server", "model"]
    assert manifest.annotations == {
        "io.yolodeploy.model": image.model,
        "org.opencontainers.image.base.digest": base,
        "org.opencontainers.image.created": "1970-01-02T00:00:00Z",
        "org.opencontainers.image.licenses": "Apache-2.0 AND AGPL-3.0",
        "org.opencontainers.image.title": "brake-disc",
        "org.opencontainers.image.version": image.model[7:19],
    }
    store = LayerStore(tmp_path / "store")
    (layer,) = our_image.layers_of(manifest, our_image.MODEL)
    store.add(layout, layer)
    folder = store.path(layer.digest) / "opt/yolodeploy/model"
    assert (folder / "model.onnx").read_bytes() == model.read_bytes()
    assert (folder / "model.onnx").stat().st_mode & 0o777 == 0o444
    assert json.loads((folder / "model.json").read_bytes())["classes"] == ["hole", "crack"]
    assert "AGPL-3.0 License (https" in (folder / "LICENSE-NOTE").read_text()


def test_the_server_runs_from_its_unpacked_layer(
    layout: Layout, model: Path, tmp_path: Path
) -> None:
    image = built(layout, model)
    store = LayerStore(tmp_path / "store")
    for layer in layout.read_manifest(image.digest).layers:
        store.add(layout, layer)
    server, found = (store.path(layer.digest) for layer in image.layers)
    probed = subprocess.run(
        [sys.executable, "-P", "-m", "yolodeploy.serve.probe", f"{found}{our_image.MODEL_FILE}"],
        env={**os.environ, "PYTHONPATH": str(server / "opt/yolodeploy")},
        capture_output=True,
        check=True,
    )  # fmt: skip
    assert json.loads(probed.stdout)["digest"] == image.model


def test_a_dry_run_says_the_same_and_writes_nothing(
    layout: Layout, base: str, model: Path, tmp_path: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in sorted(layout.path.rglob("*"))}
    planned = built(layout, model, base=base, dry_run=True)
    assert {path: path.stat().st_mtime_ns for path in sorted(layout.path.rglob("*"))} == before
    done = built(layout, model, base=base)
    assert planned == done
    assert not built(layout, model, base=base, dry_run=True).new_bytes
    absent = Layout(tmp_path / "absent")
    assert built(absent, model, dry_run=True).layers == done.layers[1:]
    assert not absent.path.exists()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../x", "oci.ref_invalid"),
        ("a/b", "name.invalid"),
        ("Brake", "name.invalid"),
        ("", "oci.ref_invalid"),
        ("a:", "oci.ref_invalid"),
        ("a:../b", "oci.ref_invalid"),
    ],
)
def test_names(layout: Layout, model: Path, name: str, code: str) -> None:
    with pytest.raises(UsageError) as raised:
        build(layout, model, facts_of(model), name=name)
    assert raised.value.code == code
    assert layout.manifests() == ()


def test_bases_that_are_none_are_refused(layout: Layout, base: str, model: Path) -> None:
    with pytest.raises(NotFound, match="is not in"):
        built(layout, model, base=f"sha256:{'0' * 64}")
    with pytest.raises(UsageError, match="already"):
        built(layout, model, base=built(layout, model).digest)
    manifest = layout.read_manifest(base)
    twice = Manifest(
        media_type=MANIFEST, config=manifest.config, layers=(*manifest.layers, *manifest.layers)
    )
    with pytest.raises(Corrupt, match="other layers"):
        built(layout, model, base=layout.add_json(twice, MANIFEST).digest)
    os.truncate(layout.blobs.path(manifest.layers[0].digest), 100)
    with pytest.raises(NotFound):
        built(layout, model, base=base)


def test_a_model_that_changed_since_it_was_looked_at_is_not_built(
    layout: Layout, model: Path
) -> None:
    facts = facts_of(model)
    write_model(model, 0.1)
    with pytest.raises(Failed) as raised:
        build(layout, model, facts, name="brake-disc")
    assert raised.value.code == "oci.source_changed"
    assert layout.manifests() == ()


def test_a_build_mends_damaged_layers_of_ours(layout: Layout, model: Path) -> None:
    image = built(layout, model)
    for layer in image.layers:
        path = layout.blobs.path(layer.digest)
        content = bytearray(path.read_bytes())
        content[100] ^= 1
        path.write_bytes(content)
    assert len(verify(layout, image.digest)) == 2
    assert built(layout, model) == image
    assert verify(layout, image.digest) == ()


def _build(path: str, model: str, barrier: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    built(Layout(Path(path)), Path(model))


def test_several_builds_and_a_prune_at_once(layout: Layout, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(4)
    models = [write_model(tmp_path / f"{n}.onnx", n / 10) for n in (1, 1, 2, 3)]
    workers = [
        context.Process(target=_build, args=(str(layout.path), str(model), barrier))
        for model in models
    ]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        prune(layout, fresh_s=0)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert len(layout.manifests()) == 3
    for entry in layout.manifests():
        assert verify(layout, entry.digest) == ()


_BUILD_FOR_EVER = """
import sys
from pathlib import Path
from onnx_samples import facts_of
from yolodeploy.images.build import build
from yolodeploy.oci.layout import Layout

models = [(model, facts_of(model)) for model in map(Path, sys.argv[2:])]
print(flush=True)
while True:
    for model, facts in models:
        build(Layout(Path(sys.argv[1])), model, facts, name="brake-disc")
"""


def test_kill_9_at_any_moment_of_a_build(layout: Layout, tmp_path: Path) -> None:
    models = []
    for number in range(8):
        large = write_model(tmp_path / f"{number}.onnx", number / 10)
        large.write_bytes(large.read_bytes() + os.urandom(1 << 20))
        models.append(str(large))
    built(layout, Path(models[0]))
    paths = os.pathsep.join((str(Path(__file__).parent), str(Path(__file__).parents[2])))
    command = [sys.executable, "-c", _BUILD_FOR_EVER, str(layout.path), *models]
    rng = random.Random(1)
    for _ in range(6):
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(rng.uniform(0, 0.15))
            process.kill()
        for entry in layout.manifests():
            assert verify(layout, entry.digest) == ()
        assert layout.find("brake-disc")
        prune(layout, fresh_s=0)
    assert built(layout, Path(models[-1])).digest == layout.find("brake-disc").digest


def test_a_full_disk_leaves_the_name_where_it_was(tmp_path: Path, model: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no tmpfs can be mounted here")
    try:
        layout = Layout(folder / "layout").create()
        image = built(layout, model)
        large = tmp_path / "large.onnx"
        large.write_bytes(os.urandom(4 << 20))
        with pytest.raises(Failed) as raised:
            built(layout, large)
        assert raised.value.code == "oci.disk_full"
        assert layout.find("brake-disc").digest == image.digest
        assert verify(layout, image.digest) == ()
        assert len(list(layout.blobs.digests())) == 4
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_licences_as_spdx(model: Path) -> None:
    cases = {
        "": "Apache-2.0",
        "AGPL-3.0 License (https://ultralytics.com/license)": "Apache-2.0 AND AGPL-3.0",
        "Apache-2.0": "Apache-2.0",
        "MIT": "Apache-2.0 AND MIT",
        "GPL-3.0-or-later": "Apache-2.0 AND GPL-3.0-or-later",
        "ask\n\x1b[31mBob": "Apache-2.0 AND LicenseRef-model",
        "Mitigated": "Apache-2.0 AND LicenseRef-model",
    }
    for text, expression in cases.items():
        facts: ModelFacts = facts_of(model, license=text)
        assert license_expression(facts) == expression


def test_source_date_epoch() -> None:
    assert source_date_epoch({}) == 0
    assert source_date_epoch({"SOURCE_DATE_EPOCH": "1700000000"}) == 1_700_000_000
    for text in ("", "-1", "now", "1.5", "9" * 30):
        with pytest.raises(UsageError, match="no moment"):
            source_date_epoch({"SOURCE_DATE_EPOCH": text})


def skopeo(*arguments: str) -> str:
    command = ["skopeo", "--insecure-policy", *arguments]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
def test_skopeo_reads_and_copies_it(layout: Layout, base: str, model: Path, tmp_path: Path) -> None:
    image = build(layout, model, facts_of(model), base=base, name="brake-disc:v1")
    built(layout, model)  # other names do not disturb it
    source = f"oci:{layout.path}:brake-disc:v1"
    told = json.loads(skopeo("inspect", source))
    assert told["Digest"] == image.digest
    assert told["Layers"] == [layer.digest for layer in image.layers]
    archive = tmp_path / "image.tar"
    skopeo("copy", source, f"docker-archive:{archive}:brake:v1")
    assert archive.stat().st_size > image.size_bytes
    back = Layout(tmp_path / "back")
    skopeo("copy", source, f"oci:{back.path}:again")
    (entry,) = back.manifests()
    # skopeo compresses what it copies; the configuration tells the same layers
    assert back.read_config(back.read_manifest(entry.digest)) == layout.read_config(
        layout.read_manifest(image.digest)
    )
    assert verify(back, entry.digest) == ()
    copied = back.read_manifest(entry.digest).layers[-1]
    store = LayerStore(tmp_path / "store")
    store.add(back, copied)
    packed = store.path(copied.digest) / our_image.MODEL_FILE.lstrip("/")
    assert packed.read_bytes() == model.read_bytes()
    assert build(back.create(), model, facts_of(model), name="mine").digest


def test_an_unnamed_descriptor_of_a_foreign_tool_is_kept(layout: Layout, model: Path) -> None:
    rootfs = RootFs(diff_ids=())
    config = layout.add_json(ImageConfig(architecture="amd64", os="linux", rootfs=rootfs), CONFIG)
    foreign: Descriptor = layout.add_json(
        Manifest(media_type=MANIFEST, config=config, layers=()), MANIFEST
    )
    index = {"schemaVersion": 2, "manifests": [{"mediaType": MANIFEST, "digest": foreign.digest,
        "size": foreign.size, "annotations": {"x": "y"}}]}  # fmt: skip
    (layout.path / "index.json").write_text(json.dumps(index))
    built(layout, model)
    assert layout.manifests()[0].annotations == {"x": "y"}
    prune(layout, fresh_s=0)
    assert verify(layout, foreign.digest) == ()
