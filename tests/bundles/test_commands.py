"""`bundle create`, `verify`, `show` and `apply` as a person types them.

If these fail, an offline site cannot be brought up to date, or a script cannot tell how it went.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.running import Answer, program, started
from tests.registry.engine import Engine, containerd
from tests.registry.images import image, random_image
from yolodeploy.core.digests import digest_of
from yolodeploy.inventory import operations
from yolodeploy.inventory.connection import read_inventory
from yolodeploy.inventory.operations import OperationState
from yolodeploy.oci.bundle.verifying import damage
from yolodeploy.oci.checks import verify
from yolodeploy.oci.layout import Layout
from yolodeploy.ops.home import Home
from yolodeploy.ops.operations import shown_state

Elsewhere = Callable[..., Answer]


@pytest.fixture
def model_image(home: Home, example: Path, run: Run) -> str:
    """The digest of `sample:v7`, built on a base of 200 kB."""
    layout = Layout(home.layout).create()
    image(layout, "cpu", b"a base" * 33_000)
    model = str(example / "models" / "brake-disc-v1.onnx")
    assert run("model", "add", model, "--name", "sample").code == 0
    answer = run("image", "build", "sample", "--base", "cpu", "--name", "sample:v7", "-o", "json")
    return str(json.loads(answer.out)[0]["image"])


@pytest.fixture
def gateway(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> tuple[Layout, Elsewhere]:
    """Another machine's layout, and command lines that are typed there."""
    there = tmp_path / "gateway"

    def typed(*arguments: str) -> Answer:
        with monkeypatch.context() as patch:
            patch.setenv("YOLODEPLOY_HOME", str(there))
            return run(*arguments)

    return Layout(there / "images"), typed


def rows(answer: Answer) -> list[dict[str, object]]:
    assert answer.code == 0, answer.err
    found: list[dict[str, object]] = json.loads(answer.out)
    return found


def test_the_whole_way(
    run: Run, model_image: str, gateway: tuple[Layout, Elsewhere], tmp_path: Path, home: Home
) -> None:
    layout, there = gateway
    stick = str(tmp_path / "stick.tar")
    dry = run("bundle", "create", stick, "--image", "sample:v7", "--dry-run", "-o", "json")
    assert {"base", "server", "model", "config", "playbooks/preflight.yml"} <= {
        str(row["part"]) for row in rows(dry)
    }
    assert not Path(stick).exists()
    made = run("bundle", "create", stick, "--image", "sample:v7", "-o", "json")
    assert rows(made) == rows(dry)
    assert "playbooks" in made.err, "what goes in is told before"
    size = Path(stick).stat().st_size
    assert f"{size / 1e6:.1f} MB in 1 file" in made.err

    checked = run("bundle", "verify", stick, "-o", "json")
    assert (rows(checked), "is sound" in checked.err) == ([], True)
    shown = run("bundle", "show", stick, "-o", "json")
    assert f"image sample:v7 {model_image}" in shown.err
    assert {row["action"] for row in rows(shown)} == {"present"}

    planned = there("bundle", "apply", stick, "--no-containerd", "--dry-run", "-o", "json")
    assert {row["action"] for row in rows(planned)} == {"copy"}
    assert not layout.path.parent.exists(), "a dry run changes nothing"
    applied = there("bundle", "apply", stick, "--no-containerd", "-o", "json")
    assert sum(int(str(row["moved_bytes"])) for row in rows(applied)) < size
    assert layout.find("sample:v7").digest == model_image
    assert verify(layout, model_image) == ()
    [folder] = (layout.path.parent / "bundles").glob("[!.]*")
    assert (folder / "playbooks" / "preflight.yml").is_file()
    again = there("bundle", "apply", stick, "--no-containerd", "-o", "json")
    assert {(row["action"], row["moved_bytes"]) for row in rows(again)} == {("present", 0)}

    with read_inventory(home.inventory) as inventory:
        [row] = operations.list_operations(inventory)
    assert (row.kind, row.state) == ("bundle-create", OperationState.DONE)


def test_what_was_brought_can_be_released_there(
    run: Run, model_image: str, gateway: tuple[Layout, Elsewhere], tmp_path: Path, home: Home
) -> None:
    """Image and model are known as if they had been built there; signatures come along."""
    layout, there = gateway
    signature = f"{model_image.replace(':', '-')}.sig"
    found = image(Layout(home.layout), signature, b"a signature")
    stick = str(tmp_path / "stick.tar")
    assert run("bundle", "create", stick, "--image", "sample:v7").code == 0
    assert there("bundle", "apply", stick, "--no-containerd").code == 0
    assert layout.find(signature).digest == found.digest
    words = ("bundle", "create", str(tmp_path / "thin"), "--image", "sample:v7", "--without-base")
    thin = {str(row["part"]): row["action"] for row in rows(run(*words, "-o", "json"))}
    assert (thin["signature"], thin["base"]) == ("copy", "absent")
    [row] = rows(there("image", "list", "-o", "json"))
    assert (row["image"], row["digest"]) == ("sample:v7", model_image)
    [model] = rows(there("model", "list", "-o", "json"))
    assert (model["model"], model["digest"]) == ("sample", row["model"])
    assert there("app", "create", "brake-disc").code == 0
    released = there("release", "create", "brake-disc", "--image", "sample:v7")
    assert released.code == 0, released.err
    assert there("bundle", "apply", stick, "--no-containerd").code == 0
    assert len(rows(there("model", "list", "-o", "json"))) == 1


def test_an_update_without_its_base(
    run: Run, model_image: str, gateway: tuple[Layout, Elsewhere], tmp_path: Path
) -> None:
    layout, there = gateway
    whole, thin = str(tmp_path / "whole.tar"), str(tmp_path / "thin.tar")
    made = run("bundle", "create", thin, "--image", "sample:v7", "--without-base", "-o", "json")
    assert [row["action"] for row in rows(made) if row["part"] == "base"] == ["absent"]
    refused = there("bundle", "apply", thin, "--no-containerd")
    assert (refused.code, "base layer sha256:" in refused.err) == (1, True)
    assert not layout.path.parent.exists()
    assert run("bundle", "create", whole, "--image", "cpu").code == 0
    assert there("bundle", "apply", whole, "--no-containerd").code == 0
    assert there("bundle", "apply", thin, "--no-containerd").code == 0
    assert verify(layout, model_image) == ()


def test_one_flipped_bit(run: Run, model_image: str, tmp_path: Path) -> None:
    stick = tmp_path / "stick.tar"
    assert run("bundle", "create", str(stick), "--image", "sample:v7").code == 0
    content = bytearray(stick.read_bytes())
    content[100_000] ^= 16
    stick.write_bytes(content)
    answer = run("bundle", "verify", str(stick), "-o", "json")
    [row] = json.loads(answer.out)
    assert (answer.code, row["code"]) == (1, "bundle.damaged")
    assert str(row["member"]).startswith("blobs/sha256/")
    assert str(row["member"]) in answer.err
    assert "mend it with" in answer.err
    stick.write_bytes(content[:50_000])
    cut = run("bundle", "verify", str(stick), "-o", "json")
    assert (cut.code, json.loads(cut.out)[-1]["code"]) == (1, "bundle.cut_short")
    stick.write_bytes(b"x" * 2000)
    none = run("bundle", "verify", str(stick), "-o", "json")
    assert (none.code, json.loads(none.out)[0]["code"]) == (1, "bundle.not_bundle")


def test_files_are_held_against_their_lock(run: Run, home: Home, tmp_path: Path) -> None:
    """As k3s publishes digests: `sha256sum-arm64.txt`."""
    k3s, lock, stick = tmp_path / "k3s-arm64", tmp_path / "sha256sum-arm64.txt", tmp_path / "x"
    k3s.write_bytes(b"k3s")
    pin = digest_of(b"k3s").removeprefix("sha256:")
    words = ("bundle", "create", str(stick), "--file", f"k3s={k3s}", "--lock", str(lock))
    lock.write_text(f"# what is not there is not invented\n{'0' * 64}  k3s-arm64\n")
    assert "it is sha256:" in run(*words).err
    lock.write_text(f"{pin}  k3s-armhf\n")
    assert "does not name k3s-arm64" in run(*words).err
    lock.write_text("-  k3s-arm64\n")
    assert "without a digest" in run(*words).err
    lock.write_text("k3s-arm64\n")
    assert (run(*words).code, stick.exists()) == (2, False)
    lock.write_text(f"{pin} *k3s-arm64\n")
    made = rows(run(*words, "--no-playbooks", "-o", "json"))
    assert [row["part"] for row in made][2:] == ["files/k3s/k3s-arm64"]
    for wrong in ("k3s", "=k3s", "k3s=", f"K3s={k3s}"):
        assert run("bundle", "create", str(tmp_path / "y"), "--file", wrong).code == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [((), 2), (("--image", "nothing"), 1), (("--image", "cpu", "--split", "4 or so"), 2),
     (("--image", "cpu", "--split", "10"), 2), (("--file", "k3s=/nowhere"), 1),
     (("--image", "cpu", "--lock", "/nowhere"), 1)],
)  # fmt: skip
def test_what_cannot_be_made_is_not_begun(
    words: tuple[str, ...], code: int, run: Run, model_image: str, tmp_path: Path
) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    assert run("bundle", "create", str(folder), "--image", "cpu").code == 2
    answer = run("bundle", "create", str(folder / "x.tar"), *words)
    assert (answer.code, list(folder.iterdir())) == (code, [])
    assert len(answer.err.splitlines()) == 2


def killed_when(words: list[str], reached: Callable[[], bool], home: Path) -> None:
    """Type a command, and kill -9 it when it is that far."""
    process = started(*words, home=home)
    try:
        deadline = time.monotonic() + 100
        while not reached():
            assert process.poll() is None, "it was done before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.001)
    finally:
        process.kill()
        process.communicate()


def size_of(path: Path) -> int:
    """Bytes of a file or of the files in a folder; 0 while it is not there."""
    try:
        return sum(one.stat().st_size for one in (path.iterdir() if path.is_dir() else [path]))
    except FileNotFoundError:
        return 0


def test_a_killed_create_and_apply_are_taken_up_by_typing_them_again(
    home: Home, tmp_path: Path
) -> None:
    found = random_image(Layout(home.layout).create(), "large", 300 << 20)
    stick, there = tmp_path / "stick.tar", tmp_path / "gateway"
    words = ["bundle", "create", str(stick), "--image", "large"]
    killed_when(words, lambda: size_of(tmp_path / ".stick.tar.partial") > 50 << 20, home.root)
    assert not stick.exists()
    done = program(*words, home=home.root)
    assert (done.code, "of which were there" in done.err) == (0, True)
    assert damage(stick) == ()

    words = ["bundle", "apply", str(stick), "--no-containerd"]
    arriving = there / "images" / ".arriving"
    killed_when(words, lambda: size_of(arriving) > 50 << 20, there)
    answer = program(*words, "-o", "json", home=there)
    assert max(int(str(row["resumed_bytes"])) for row in rows(answer)) > 50 << 20
    assert verify(Layout(there / "images"), found.digest) == ()
    with read_inventory(there / "inventory.db") as inventory:
        states = [shown_state(row) for row in operations.list_operations(inventory)]
    assert states == [OperationState.DONE, OperationState.LOST]


def test_wheels_come_from_the_folder_and_nothing_is_fetched(
    run: Run, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, stick = tmp_path / "wheels", str(tmp_path / "x.tar")
    folder.mkdir()
    (folder / "yolodeploy-1-py3-none-any.whl").write_bytes(b"ours")
    (folder / "click-8-py3-none-any.whl").write_bytes(b"click")
    words = ("bundle", "create", stick, "--wheels", str(folder), "--no-playbooks", "-o", "json")
    made = rows(run(*words))
    assert [row["part"] for row in made][2:] == [
        "wheels/click-8-py3-none-any.whl", "wheels/yolodeploy-1-py3-none-any.whl",
    ]  # fmt: skip
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    words = ("bundle", "create", str(tmp_path / "y.tar"), "--wheels", str(tmp_path / "empty"))
    dry = run(*words, "--dry-run")
    assert (dry.code, "would be fetched first" in dry.err) == (0, True)
    assert not (tmp_path / "empty").exists(), "a dry run fetches nothing"
    refused = run(*words)
    assert (refused.code, "could not be fetched" in refused.err) == (1, True)
    assert f"pip wheel --wheel-dir {tmp_path}/empty 'yolodeploy[provision]' pip" in refused.err
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    # on the machine's own disk: overlay does not go on top of overlay
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, containerd(Path(folder)) as found:
        yield found


def listed(engine: Engine) -> set[str]:
    return set(engine("-n", "k8s.io", "images", "ls", "-q").splitlines())


def test_a_gateway_has_it_in_its_containerd(
    run: Run, model_image: str, gateway: tuple[Layout, Elsewhere], tmp_path: Path, engine: Engine
) -> None:
    """By the name that a push would give it; a second time nothing moves."""
    _, there = gateway
    stick, thin = str(tmp_path / "stick.tar"), str(tmp_path / "thin.tar")
    assert run("bundle", "create", stick, "--image", "sample:v7").code == 0
    at = ("--containerd", engine.host, "-o", "json")
    before = listed(engine)
    planned = there("bundle", "apply", stick, *at, "--dry-run")
    [image_row] = [row for row in rows(planned) if row["place"] == "containerd"]
    assert (image_row["part"], image_row["action"]) == ("docker.io/library/sample:v7", "copy")
    assert listed(engine) == before
    first = rows(there("bundle", "apply", stick, *at))
    [moved] = [row["moved_bytes"] for row in first if row["place"] == "containerd"]
    assert moved == image_row["size_bytes"]
    assert {"docker.io/library/sample:v7", f"docker.io/library/sample@{model_image}"} <= listed(
        engine
    )
    again = rows(there("bundle", "apply", stick, *at))
    assert sum(int(str(row["moved_bytes"])) for row in again) == 0

    assert run("image", "build", "sample", "--base", "cpu", "--name", "sample:v8").code == 0
    line = ("bundle", "create", thin, "--image", "sample:v8", "--without-base", "--no-playbooks")
    assert run(*line).code == 0
    update = rows(there("bundle", "apply", thin, *at))
    assert "docker.io/library/sample:v8" in listed(engine)
    assert sum(int(str(row["moved_bytes"])) for row in update) < 30_000, (
        "the same layers but a name"
    )


def test_a_gateway_whose_base_is_in_containerd_alone(
    run: Run, model_image: str, gateway: tuple[Layout, Elsewhere], tmp_path: Path, engine: Engine
) -> None:
    """As kubelet pulled it: an update without its base is taken in all the same."""
    layout, there = gateway
    whole, thin = str(tmp_path / "whole.tar"), str(tmp_path / "thin.tar")
    at = ("--containerd", engine.host)
    assert run("bundle", "create", whole, "--image", "cpu").code == 0
    assert there("bundle", "apply", whole, *at).code == 0
    shutil.rmtree(layout.path)
    assert run("bundle", "create", thin, "--image", "sample:v7", "--without-base").code == 0
    applied = there("bundle", "apply", thin, *at)
    assert applied.code == 0, applied.err
    assert "docker.io/library/sample:v7" in listed(engine)
    assert layout.manifests() == (), "what lacks its base has no name in the layout"


def test_a_socket_without_a_containerd(
    run: Run, model_image: str, gateway: tuple[Layout, Elsewhere], tmp_path: Path
) -> None:
    layout, there = gateway
    stick = str(tmp_path / "stick.tar")
    assert run("bundle", "create", stick, "--image", "sample:v7").code == 0
    answer = there("bundle", "apply", stick, "--containerd", str(tmp_path / "none"))
    assert (answer.code, "no containerd answers" in answer.err) == (1, True)
    assert not layout.path.exists()
