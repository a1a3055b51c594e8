"""If these fail, a password lies in every gateway, or k3s starts with a broken environment."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from yolodeploy.core.errors import UsageError
from yolodeploy.core.proxy import Proxy, checked_proxy

ROLE = Path(__file__).parents[2] / "playbooks/roles/k3s_node/vars/main.yml"
PATTERNS = re.findall(
    r"'match', '(.+?\\Z)'", yaml.safe_load(ROLE.read_text())["k3s_node_bad_proxies"]
)


@pytest.mark.parametrize(
    "url",
    [
        "http://proxy:3128",
        "https://proxy.plant.example",
        "http://[fd00::7]:3128/",
        "http://10.0.0.7",
    ],
)
def test_a_proxy_is_kept_as_it_was_said(url: str) -> None:
    found = checked_proxy(url, url, ("plant.example", "10.0.0.0/8", "*.svc"))
    assert found == Proxy(url, url, ("plant.example", "10.0.0.0/8", "*.svc"))
    assert str(found) == url
    assert not checked_proxy()


@pytest.mark.parametrize(
    "url", ["http://me:secret@proxy:3128", "http://me@proxy", "me:secret@proxy"]
)
def test_who_it_lets_in_is_neither_kept_nor_shown(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        checked_proxy(https=url)
    assert refused.value.code == "site.proxy_credentials"
    assert "secret" not in refused.value.text()


def refusal(*said: Any) -> str:
    """The code of the error."""
    with pytest.raises(UsageError) as refused:
        checked_proxy(*said)
    return refused.value.code


@pytest.mark.parametrize(
    "url",
    ["proxy:3128", "socks5://proxy", "http://", "http://proxy:99999", "http://proxy/pac?x=1",
     'http://proxy:3128/"\nKEY=x', "http://$(id)", "http://{{ 7 }}", "http://proxy:3128\n"],
)  # fmt: skip
def test_what_is_no_proxy_is_refused(url: str) -> None:
    assert refusal(url) == "site.proxy_invalid"


@pytest.mark.parametrize("names", [("a b",), ("",), ("a,b",), ("x\n",), ("x",) * 65])
def test_what_is_no_exception_is_refused(names: tuple[str, ...]) -> None:
    assert refusal("http://proxy", "", names) == "site.proxy_exception"
    assert refusal("", "", ("plant.example",)) == "site.proxy_exception"


TEXT = st.text(st.sampled_from("htps:/.@[]%$`'\"\\ \n{}=,*-_~0aZé"), max_size=12)


@given(TEXT.map("http://{}".format) | TEXT, TEXT)
def test_what_is_accepted_the_role_accepts_too(url: str, name: str) -> None:
    """Else a site that can be named could never be provisioned."""
    try:
        found = checked_proxy(url, "", (name,))
    except UsageError:
        return
    where, exception = PATTERNS
    assert re.match(where, found.http)
    assert re.match(exception, found.no_proxy[0])
