"""The kubeconfig of a k3s server, made into one for this machine's end of a tunnel.

What a gateway says is not handed on: a kubeconfig may name programs that kubectl runs. Ours has the
values that are needed, each checked, and nothing else.
"""

from __future__ import annotations

import base64
import re
from typing import Any

import yaml

from yolodeploy.core.errors import Corrupt

PATH = "/etc/rancher/k3s/k3s.yaml"
SERVER_NAME = "kubernetes"  # in the certificate of every k3s server, whatever its address is
_LONGEST = 64 << 10  # characters; k3s writes 3 kB
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")  # RFC 6750
_AUTHORITY_KEY = "certificate-authority-data"
# who comes: by a certificate (the administrator), or by a token (the account for every day)
_BY_CERTIFICATE = {"client-certificate-data": _BASE64, "client-key-data": _BASE64}
_BY_TOKEN = {"token": _TOKEN}
_PORT = re.compile(r"^    server: https://127\.0\.0\.1:([0-9]{1,5})$", re.MULTILINE)

_AUTHORITY = re.compile(r"^    certificate-authority-data: (\S+)$", re.MULTILINE)


def near_kubeconfig(text: str, site: str, port: int) -> str:
    """What kubectl needs here to reach a site's API through a port of this machine.

    Raises:
        Corrupt: `tunnel.kubeconfig`, the server's is none.
    """
    found = _read(text, site)
    cluster, user = _first(found, "clusters", "cluster"), _first(found, "users", "user")
    authority = _value(cluster, _AUTHORITY_KEY, _BASE64, site)
    wanted = _BY_TOKEN if "token" in user else _BY_CERTIFICATE
    who = "".join(
        f"    {name}: {_value(user, name, form, site)}\n" for name, form in wanted.items()
    )
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
{who}contexts:
- name: {site}
  context:
    cluster: {site}
    user: {site}
current-context: {site}
"""


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


def _first(found: Any, group: str, one: str) -> dict[str, Any]:
    try:
        value = found[group][0][one]
    except (KeyError, IndexError, TypeError):
        return {}
    return value if isinstance(value, dict) else {}


def _value(found: dict[str, Any], name: str, form: re.Pattern[str], site: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise Corrupt("tunnel.kubeconfig", site=site, reason=f"it lacks {name}")
    return value
