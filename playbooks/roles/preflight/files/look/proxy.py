"""Proxies: what uses one, and what must not."""

import ipaddress
import re

from look.host import absent, judged, one_line
from look.network import address

PROXY_FILES = (
    "/etc/environment",
    "/etc/profile.d/*.sh",
    "/etc/apt/apt.conf",
    "/etc/apt/apt.conf.d/*",
)
K3S_ENVIRONMENT = ("/etc/systemd/system/k3s*.service.env", "/etc/default/k3s*")
PROXY = re.compile(r"(?:https?_proxy\s*=|Acquire::https?::proxy\s)\s*[\"']?([^\"'\s;]+)", re.I)
EXCEPT = re.compile(r"no_proxy\s*=\s*[\"']?([^\"'\s;]+)", re.I)


def proxy(host):
    """Whether k3s knows of the proxy that everything else here uses."""
    shells = first(host, PROXY_FILES, PROXY)
    if shells is None:
        return absent()
    theirs = first(host, K3S_ENVIRONMENT, PROXY)
    # a proxy's address may hold a password
    return judged(theirs is None, proxy=re.sub(r"//[^/@]*@", "//", shells))


def proxy_exceptions(host):
    """Whether what is inside the cluster is kept from the proxy."""
    if first(host, K3S_ENVIRONMENT, PROXY) is None:
        return absent()
    told = (first(host, K3S_ENVIRONMENT, EXCEPT) or "").split(",")
    needed = list(host.asked["cluster_networks"])
    needed += [
        one
        for one in (host.asked.get("address", ""), host.asked.get("api_host", ""))
        if address(one)
    ]
    lacking = [one for one in dict.fromkeys(needed) if not covered(one, told)]
    return judged(lacking, lacking=",".join(lacking), said=one_line(",".join(told)))


def covered(one, told):
    """Whether an address or network is within one of those told."""
    inner = ipaddress.ip_network(one, strict=False)
    for word in told:
        try:
            outer = ipaddress.ip_network(word.strip(), strict=False)
        except ValueError:
            continue
        if inner.version == outer.version and inner.subnet_of(outer):
            return True
    return False


def first(host, patterns, wanted):
    """The first value that a pattern finds in some files; None where there is none."""
    for pattern in patterns:
        for name in host.found(pattern):
            for line in host.lines(name):
                found = None if line.lstrip().startswith(("#", "//")) else wanted.search(line)
                if found:
                    return one_line(found.group(1))
    return None


CHECKS = {"proxy": proxy, "proxy_exceptions": proxy_exceptions}
