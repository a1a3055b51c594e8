"""If these fail, settings of a cluster are lost, a secret is read or left, or a policy is open."""

from __future__ import annotations

import base64
import ipaddress
import threading
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kubernetes.parts import Bench
from tests.sites.parts import APP
from yolodeploy.core.digests import digest_of
from yolodeploy.core.errors import Refused, UsageError
from yolodeploy.core.kept_settings import VERSIONS_KEPT, KeptSettings
from yolodeploy.core.release import Release
from yolodeploy.core.settings_content import settings_of
from yolodeploy.core.site import Intent, Phase
from yolodeploy.core.site_settings import Camera, KafkaSink, MqttSink, SiteSettings, WebhookSink
from yolodeploy.oci import media_types, our_image
from yolodeploy.oci.layers import LayerFile, layer_chunks
from yolodeploy.oci.layout import Layout
from yolodeploy.oci.manifests import ImageConfig, Manifest, RootFs
from yolodeploy.sites.kubernetes.egress import Place, outside, rules
from yolodeploy.sites.kubernetes.kept_settings import LARGEST_ALL, LARGEST_TEXT

PORTS = st.integers(1, 65535)
ADDRESSES = st.ip_addresses().map(str)
NAMES = st.from_regex(r"[a-z]{1,12}(\.[a-z]{1,12}){0,2}", fullmatch=True)
PLACES = st.lists(st.builds(Place, ADDRESSES | NAMES, PORTS), max_size=8)


def text(name: str = "door", app: str = APP, more: str = "") -> str:
    return f'[[cameras]]\nname = "{name}"\nurl = "rtsp://10.0.3.17/1"\napp = "{app}"\n{more}'


def settings_in(bench: Bench, app: str = APP) -> str:
    found = bench.double.kept["configmaps", app, "yolodeploy-site"]
    return str(found["data"]["settings.toml"])


def secrets_in(bench: Bench) -> dict[str, bytes]:
    found = bench.double.kept.get(("secrets", APP, "yolodeploy-site"), {"data": {}})
    return {name: base64.b64decode(content) for name, content in found["data"].items()}


def test_settings_come_to_every_app_and_secrets_are_never_read(bench: Bench, v1: Release) -> None:
    fence = bench.commit(v1)
    site, double = bench.site, bench.double
    assert site.settings() == ()
    (policy,) = double.of("networkpolicies", APP)
    assert policy["spec"]["egress"] == []
    before = double.kept["deployments", APP, APP]["spec"]["template"]
    assert all(volume["name"] != "account" for volume in before["spec"]["volumes"])

    made = []
    for number in range(VERSIONS_KEPT + 3):
        name = f"door-{number}"
        said = text(more=f'credentials_file = "{site.secret_path(name)}"\n')
        made.append(site.keep_settings(KeptSettings(text=said), {name: b"a:b"}, fence))
    assert [each.number for each in site.settings()] == list(range(VERSIONS_KEPT + 3, 3, -1))
    assert digest_of(settings_in(bench).encode()) == made[-1].digest == site.settings()[0].digest
    assert secrets_in(bench) == {f"door-{n}": b"a:b" for n in range(3, VERSIONS_KEPT + 3)}
    read = [path for _, method, path in double.asked if "secrets" in path and method == "GET"]
    assert not read

    (policy,) = double.of("networkpolicies", APP)
    reached = [
        (rule["to"][0]["ipBlock"]["cidr"], rule["ports"][0]["port"])
        for rule in policy["spec"]["egress"]
    ]
    assert reached == [("10.0.0.1/32", 6443), ("10.0.3.17/32", 554)]
    after = double.kept["deployments", APP, APP]["spec"]["template"]["spec"]
    assert [volume["name"] for volume in after["volumes"]][-1] == "account"
    bench.settled(v1)
    assert not site.replaced(site._settings.in_force()), "they have it now"
    # a release that comes later has all of it
    bench.commit(Release(2, msgspec.structs.replace(v1.spec, image=f"sha256:{9:064x}")), fence)
    kept = double.kept["deployments", APP, APP]["spec"]["template"]["spec"]
    assert kept["volumes"][1:] == after["volumes"][1:]


def test_an_app_that_comes_later_gets_the_settings(bench: Bench, v1: Release) -> None:
    fence = bench.site.claim("ann", 60.0)
    bench.site.keep_settings(KeptSettings(text=text()), {}, fence)
    bench.commit(v1, fence)
    assert settings_in(bench) == text()
    names = {role["metadata"]["name"] for role in bench.double.of("roles", APP)}
    assert "yolodeploy-cameras" in names


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("cameras = 3", "camera.settings_invalid"),
        (text().replace(f'app = "{APP}"\n', ""), "camera.cluster_unfit"),
        (text(more='transport = "udp"\n'), "camera.cluster_unfit"),
        (text().replace("rtsp://10.0.3.17/1", "/dev/video0"), "camera.cluster_unfit"),
        (text() + "#" * LARGEST_TEXT, "camera.settings_too_large"),
        (
            text() + '[[sinks]]\nkind = "webhook"\nname = "a"\nurl = "https://a:99999/"\n',
            "camera.settings_invalid",
        ),
    ],
    ids=["array", "no app", "udp", "device", "large", "port"],
)
def test_what_a_cluster_cannot_have_changes_nothing(bench: Bench, said: str, code: str) -> None:
    fence = bench.site.claim("ann", 60.0)
    with pytest.raises(UsageError) as refused:
        bench.site.keep_settings(KeptSettings(text=said), {"x": b"y"}, fence)
    assert refused.value.code == code
    assert bench.site.settings() == ()
    assert not bench.double.of("secrets")


def test_the_history_stays_within_an_object(bench: Bench) -> None:
    fence = bench.site.claim("ann", 60.0)
    for number in range(4):
        said = text() + f"# {number}" + "#" * (LARGEST_TEXT - 200)
        bench.site.keep_settings(KeptSettings(text=said), {}, fence)
    kept = bench.site.settings()
    assert kept[0].number == 4
    assert sum(len(each.text) for each in kept) <= LARGEST_ALL


def test_whoever_lost_the_site_changes_nothing_and_two_at_once_both_count(
    bench: Bench, v1: Release
) -> None:
    fence = bench.commit(v1)
    old = msgspec.structs.replace(fence, number=fence.number - 1)
    with pytest.raises(Refused) as refused:
        bench.site.keep_settings(KeptSettings(text=text()), {}, old)
    assert (refused.value.code, bench.site.settings()) == ("site.fenced", ())
    asked = [
        threading.Thread(
            target=bench.site.keep_settings, args=(KeptSettings(text=text(name)), {}, fence)
        )
        for name in ("door", "gate")
    ]
    for thread in asked:
        thread.start()
    for thread in asked:
        thread.join(60)
    first = bench.site.settings()[0]
    assert first.number == 2
    assert settings_in(bench) == first.text


def test_a_trial_is_not_replaced_by_pods_that_it_does_not_know(
    bench: Bench, v1: Release, v2: Release
) -> None:
    fence = bench.commit(v1)
    bench.site.apply(bench.trial(v2, v1, 3600.0, fence), fence)
    bench.trial(v1, v2, 3600.0, fence)
    with pytest.raises(Refused) as refused:
        bench.site.keep_settings(KeptSettings(text=text()), {}, fence)
    assert refused.value.code == "camera.held"
    assert bench.site.settings() == ()


def image_of_before(folder: Path) -> str:
    """An image whose server has a guard, and knows no Leases."""
    layout = Layout(folder).create()
    files = layer_chunks([LayerFile("/opt/yolodeploy/yolodeploy/serve/guard/tracks.py", b"")])
    kind = {our_image.LAYER_KIND: our_image.SERVER}
    layer = layout.add_blob(files, media_types.LAYER_TAR, kind)
    empty = ImageConfig(architecture="amd64", os="linux", rootfs=RootFs(diff_ids=(layer.digest,)))
    config = layout.add_json(empty, media_types.CONFIG)
    manifest = Manifest(media_type=media_types.MANIFEST, config=config, layers=(layer,))
    return layout.add_json(manifest, media_types.MANIFEST).digest


def test_servers_too_old_to_share_a_camera_get_none(
    bench: Bench, v1: Release, v2: Release, tmp_path: Path
) -> None:
    """Two of their pods would both read and publish it, whoever goes back to them."""
    spec = msgspec.structs.replace(v1.spec, image=image_of_before(tmp_path / "images"))
    old = Release(3, spec)

    def volumes() -> set[str]:
        pod = bench.double.kept["deployments", APP, APP]["spec"]["template"]["spec"]
        (server,) = pod["containers"]
        assert {each["name"] for each in server["volumeMounts"]} <= {
            volume["name"] for volume in pod["volumes"]
        }, "no pod would start"
        return {volume["name"] for volume in pod["volumes"]} & {"account", "secrets", "site"}

    fence = bench.commit(old)
    assert volumes() == {"secrets", "site"}, "there is no camera yet"
    bench.commit(v2, fence)
    bench.site.keep_settings(KeptSettings(text=text()), {}, fence)
    assert volumes() == {"account", "secrets", "site"}
    bench.commit(old, fence)
    assert volumes() == set()
    assert "release.blind" in bench.codes()
    assert bench.site.followers() == [], "nobody waits for those who were told nothing"
    # what would not be read is not taken; another app's is, and the last one goes
    with pytest.raises(Refused) as refused:
        bench.site.replaced(settings_of(text("gate").encode(), Path("settings.toml")))
    assert refused.value.code == "camera.old_servers"
    for said in (text() + text("seam", "weld-seam"), ""):
        assert bench.site.replaced(settings_of(said.encode(), Path("settings.toml"))) == []
    # nor does a guard bring them back to cameras, and what is newer has them at once
    bench.trial(v2, old, 1.0, fence)
    bench.settled(old, Phase.REVERTED)
    assert volumes() == set()
    bench.commit(old, fence)
    bench.commit(v2, fence)
    assert volumes() == {"account", "secrets", "site"}


def test_somebody_s_damage_is_told(bench: Bench) -> None:
    data = {"versions": "no JSON"}
    bench.double.put("namespaces", "", "yolodeploy", {"metadata": {}})
    bench.double.put("configmaps", "yolodeploy", "yolodeploy-settings",
                     {"metadata": {}, "data": data})  # fmt: skip
    with pytest.raises(UsageError) as refused:
        bench.site.settings()
    assert refused.value.code == "camera.settings_unreadable"
    assert bench.site.settings_fault() is not None


@pytest.mark.parametrize(
    "answer", [b"", b"{", b"[" * 100_000, b"x" * (3 << 20), b'{"version": 1}'],
    ids=["empty", "half", "deep", "large", "other"],
)  # fmt: skip
def test_a_pod_that_answers_nonsense_follows_nothing(
    bench: Bench, v1: Release, answer: bytes
) -> None:
    fence = bench.commit(v1)
    bench.site.keep_settings(KeptSettings(text=text()), {}, fence)
    bench.settled(v1)
    bench.double.real = lambda pod, what: answer if what in ("info", "cameras") else None
    (nobody,) = bench.site.followers()
    assert (nobody.instance, nobody.settings, nobody.cameras) == (APP, "", ())


# policies ------------------------------------------------------------------------------------


@given(PLACES)
def test_a_policy_opens_exactly_what_is_named(places: list[Place]) -> None:
    opened = rules(places)
    blocks, open_to_all, names = set(), set(), False
    for rule in opened:
        ports = {(port["protocol"], port["port"]) for port in rule["ports"]}
        if "to" not in rule:
            open_to_all |= {port for _, port in ports}
        elif "ipBlock" in rule["to"][0]:
            network = ipaddress.ip_network(rule["to"][0]["ipBlock"]["cidr"])
            assert network.num_addresses == 1
            blocks |= {(network[0], port) for _, port in ports}
        else:
            assert ports == {("UDP", 53), ("TCP", 53)}
            names = True
    by_address, by_name = set(), set()
    for place in places:
        try:
            address = ipaddress.ip_address(place.host)
        except ValueError:
            by_name.add(place.port)
        else:
            by_address.add((getattr(address, "ipv4_mapped", None) or address, place.port))
    assert (blocks, open_to_all, names) == (by_address, by_name, bool(by_name))


@given(st.lists(st.tuples(ADDRESSES | NAMES, PORTS, st.booleans()), max_size=5))
def test_an_app_reaches_its_own_cameras_and_their_sinks(hosts: list[tuple[str, int, bool]]) -> None:
    cameras = tuple(
        Camera(
            name=f"c{n}",
            url=f"rtsp://{f'[{host}]' if ':' in host else host}:{port}/1",
            app="mine" if mine else "other",
        )
        for n, (host, port, mine) in enumerate(hosts)
    )
    sinks = (
        KafkaSink(name="k", brokers="b1:9092, 10.0.0.9:9093", topic="t"),
        MqttSink(name="m", host="broker.plant", cameras=("elsewhere",)),
        WebhookSink(name="w", url="https://hook.plant/x"),
    )
    found = outside(SiteSettings(cameras=cameras, sinks=sinks), "mine")
    mine = {Place(host, port) for host, port, is_mine in hosts if is_mine}
    kept = {Place("b1", 9092), Place("10.0.0.9", 9093), Place("hook.plant", 443)} if mine else set()
    assert set(found.places) == mine | kept
    assert found.looks == bool(mine)
    nobody = outside(SiteSettings(sinks=sinks), "mine")
    assert (nobody.places, nobody.looks) == ((), False)


def test_a_release_without_settings_asks_nobody(bench: Bench, v1: Release) -> None:
    bench.site.apply(Intent(app=APP, release=v1), bench.site.claim("ann", 60.0))
    assert bench.double.kept["networkpolicies", APP, APP]["spec"]["egress"] == []
