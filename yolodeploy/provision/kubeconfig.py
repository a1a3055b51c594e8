"""The kubeconfig of a k3s server, made into one for this machine's end of a tunnel.

What a gateway says is not handed on: a kubeconfig may name programs that kubectl runs. Ours has the
three values that are needed, each checked, and nothing else.
"""

from __future__ import annotations

import base64
import re
from typing import Any

import yaml

from yolodeploy.core import ends
from yolodeploy.core.errors import Corrupt

PATH = "/etc/rancher/k3s/k3s.yaml"
SERVER_NAME = "kubernetes"  # in the certificate of every k3s server, whatever its address is
_LONGEST = 64 << 10  # characters; k3s writes 3 kB
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
# where it is, and what it is called
_AUTHORITY_AT = ("clusters", "cluster", "certificate-authority-data")
_USER_AT = ("client-certificate-data", "client-key-data")
_PORT = re.compile(r"^    server: https://127\.0\.0\.1:([0-9]{1,5})$", re.MULTILINE)

_AUTHORITY = re.compile(r"^    certificate-authority-data: (\S+)$", re.MULTILINE)


def near_kubeconfig(text: str, site: str, port: int) -> str:
    """What kubectl needs here to reach a site's API through a port of this machine.

    Raises:
        Corrupt: `tunnel.kubeconfig`, the server's is none.
    """
    found = _read(text, site)
    authority = _value(found, *_AUTHORITY_AT, site)
    # by hand: its form is ours, and every value is a name, a number or base64
    return f"""apiVersion: v1
kind: Config
clusters:
- name: {site}
  cluster:
    server: https://127.0.0.1:{port}
    tls-server-name: {SERVER_NAME}
    certificate-authority-data: {authority}
users:
- name: {site}
  user:
{_user(found, site)}
contexts:
- name: {site}
  context:
    cluster: {site}
    user: {site}
current-context: {site}
"""


def _user(found: Any, site: str) -> str:
    """Who we are: an account by its token, else whoever the certificate says."""
    try:
        token = found["users"][0]["user"]["token"]
    except (KeyError, IndexError, TypeError):
        values = {name: _value(found, "users", "user", name, site) for name in _USER_AT}
        return "\n".join(f"    {name}: {value}" for name, value in values.items())
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise Corrupt("tunnel.kubeconfig", site=site, reason="its token is none")
    return f"    token: {token}"


def token_left_s(text: str, site: str, now: float) -> float:
    """For how many seconds a kubeconfig's token is good; 0 where it has none, or none of ours."""
    return max((token_ends(text, site) or now) - now, 0.0)


def token_ends(text: str, site: str) -> float | None:
    """When a kubeconfig's token ends, in Unix seconds; None where it has none, or none of ours."""
    try:
        token = _read(text, site)["users"][0]["user"]["token"]
    except (Corrupt, KeyError, IndexError, TypeError):
        return None
    return ends.token_ends(str(token))


def port_of(text: str) -> int:
    """The port that a kubeconfig of ours names; 0 where it is none of ours."""
    found = _PORT.search(text)
    return int(found[1]) if found else 0


def authority_of(text: str) -> str:
    """The certificate, as PEM, by which a kubeconfig of ours tells the site from others."""
    found = _AUTHORITY.search(text)
    return base64.b64decode(found[1]).decode(errors="replace") if found else ""


def _read(text: str, site: str) -> Any:
    if len(text) > _LONGEST:
        raise Corrupt("tunnel.kubeconfig", site=site, reason="it is too long")
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Corrupt("tunnel.kubeconfig", site=site, reason="it is no YAML") from error


def _value(found: Any, group: str, one: str, name: str, site: str) -> str:
    try:
        value = found[group][0][one][name]
    except (KeyError, IndexError, TypeError):
        value = None
    if not isinstance(value, str) or not _BASE64.fullmatch(value):
        raise Corrupt("tunnel.kubeconfig", site=site, reason=f"it lacks {name}")
    return value
