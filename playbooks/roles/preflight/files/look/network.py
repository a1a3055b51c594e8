"""Routes, names, ports and packet sizes."""

import errno
import ipaddress
import os
import re
import socket

from look.host import absent, finding, judged, ok, one_line, unknown
from look.machine import listed, own_name

LISTENING = "0A"
API = 6443
UFW_ON = re.compile(r"\s*ENABLED\s*=\s*[\"']?yes", re.IGNORECASE)
K3S_UNIT = re.compile(r"/k3s(-agent)?\.service")
FLANNEL_BYTES = 50  # VXLAN's own headers
ANSWER_S = 2.0
NAME_LIMIT_S = 6
# Linux's own numbers, which Python's socket module does not name
IP_MTU_DISCOVER, IP_PMTUDISC_PROBE = 10, 3
UNUSED = 33434  # a UDP port where nobody listens: the refusal is the answer
IP_UDP_BYTES = 28
SIZES, LEAST = (1492, 1450, 1400, 1300), 576  # PPPoE, VXLAN, tunnels; what every network carries


def route(host):
    """Whether there is a default route, IPv4 or IPv6."""
    via = uplink(host)
    return judged(via is None, interface=via or "")


def uplink(host):
    """The interface of the default route; None where there is none."""
    for row in (line.split() for line in host.lines("/proc/net/route")):
        if len(row) > 7 and row[1] == row[7] == "00000000":
            return row[0]
    for row in (line.split() for line in host.lines("/proc/net/ipv6_route")):
        if len(row) > 9 and row[0] == "0" * 32 and row[1] == "00" and row[9] != "lo":
            return row[9]
    return None


def port(host):
    """Whether somebody else listens where k3s will; a k3s that is still starting is none."""
    if host.asked["k3s_runs"]:
        return ok(ports="")
    sockets = {n: inode for n, inode in listening(host).items() if n in host.asked["ports"]}
    owners = {number: owner(host, inode) for number, inode in sockets.items()}
    taken = sorted(number for number, pid in owners.items() if not is_k3s(host, pid))
    if host.asked["k3s_starts"]:  # one that ended meanwhile was its own
        taken = [number for number in taken if owners[number] is not None]
    names = sorted({program(host, owners[number]) for number in taken})
    return judged(
        taken,
        ports=listed(taken),
        programs=listed(names),
        filter=" or ".join(f"sport = :{number}" for number in taken),
    )


def listening(host):
    """The TCP ports that somebody listens on, with the socket's inode."""
    rows = [
        line.split() for table in ("tcp", "tcp6") for line in host.lines(f"/proc/net/{table}")[1:]
    ]
    return {int(row[1].rpartition(":")[2], 16): row[9] for row in rows if row[3] == LISTENING}


def owner(host, inode):
    """The number of the process that holds a socket; None where it cannot be seen."""
    for link in host.found("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(host.path(link)) == f"socket:[{inode}]":  # noqa: PTH115 3.8 has no other
                return link.split("/")[2]
        except OSError:
            continue
    return None


def is_k3s(host, pid):
    """Whether a process belongs to k3s's unit."""
    return any(K3S_UNIT.search(line) for line in host.lines(f"/proc/{pid}/cgroup"))


def program(host, pid):
    """The name of a process's program."""
    return one_line((host.lines(f"/proc/{pid}/comm") or ["?"])[0])


def name_own(host):
    """Whether the host knows its own name; sudo and the kubelet wait for it."""
    name = own_name(host)
    return judged(not addresses(host, name), name=name)


def addresses(host, name):
    """The addresses that a name has, as programs on this machine see it."""
    told = host.answer("getent", "ahosts", name, limit_s=NAME_LIMIT_S)
    return sorted({line.split()[0] for line in (told or "").splitlines() if line.split()})


def names(host):
    """Whether the names resolve that this machine must reach: the API's, registries', a proxy's."""
    wanted = sorted(set(filter(is_name, wanted_names(host))))
    if not wanted:
        return absent()
    lost = [name for name in wanted if not addresses(host, name)]
    return judged(lost, names=listed(lost or wanted))


def wanted_names(host):
    """The hosts that this machine is told to reach."""
    found = [host.asked.get("api_host", ""), *host.asked.get("names", [])]
    for name in ("/etc/rancher/k3s/registries.yaml", "/etc/rancher/k3s/config.yaml"):
        found += re.findall(r"https?://([^/:\s\"']+)", host.text(name) or "")
    return found


def is_name(text):
    """Whether something is a name and no address."""
    return bool(text) and address(text) is None and re.fullmatch(r"[A-Za-z0-9._-]+", text)


def address(text):
    """An address; None where the text is none."""
    try:
        return ipaddress.ip_address(text.split("%")[0].strip("[]"))
    except ValueError:
        return None


def links(host):
    """The interfaces: name to what `ip` tells; empty where it tells nothing."""
    told = host.data("ip", "-j", "addr")
    return {one["ifname"]: one for one in told or [] if "ifname" in one}


def mtu(host):
    """Whether the pods' packets fit into those of the network below."""
    found, via = links(host), uplink(host)
    if via not in found:
        return unknown()
    below = found[via].get("mtu", 0)
    wide = [
        name
        for name in ("flannel.1", "cni0")
        if name in found and found[name].get("mtu", 0) > below - FLANNEL_BYTES
    ]
    return judged(wide, interfaces=listed(wide), interface=via, mtu=below)


def path_mtu(host):
    """Whether large packets reach the server as small ones do."""
    other = api_address(host)
    found, via = links(host), uplink(host)
    if other is None:
        return absent()
    if via not in found or other.version != 4:
        return unknown()
    full = found[via].get("mtu", 1500)
    if not arrives(str(other), LEAST):
        return unknown()  # a firewall swallows the question: nothing can be said of sizes
    if arrives(str(other), full):
        return ok(mtu=full, server=str(other))
    sizes = [size for size in SIZES if size < full]
    fits = next((size for size in sizes if arrives(str(other), size)), LEAST)
    return finding(mtu=full, fits=fits, server=str(other), interface=via)


def arrives(other, size):
    """Whether a packet of so many bytes arrives whole: the other end refuses it, twice asked."""
    for _ in range(2):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(ANSWER_S / 2)
            asking.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
            try:
                asking.connect((other, UNUSED))
                asking.send(b"\0" * (size - IP_UDP_BYTES))
                asking.recv(1)
            except OSError as error:
                if error.errno == errno.ECONNREFUSED:
                    return True
                if error.errno == errno.EMSGSIZE:
                    return False
    return False


def api_address(host):
    """The address of the API's host, where that is another machine."""
    name = host.asked.get("api_host", "")
    found = address(name) or next(map(address, addresses(host, name) if name else []), None)
    return None if found is None or str(found) in own_addresses(host) else found


def own_addresses(host):
    """This machine's own."""
    return {
        one.get("local", "") for link in links(host).values() for one in link.get("addr_info", [])
    }


def api_reach(host):
    """Whether the server's API can be connected to from here."""
    other = api_address(host)
    if other is None:
        return absent()
    try:
        with socket.create_connection((str(other), API), timeout=5):
            return ok(server=str(other), port=API)
    except OSError as error:
        return finding(server=str(other), port=API, reason=one_line(error.strerror or error))


def firewall(host):
    """Whether a firewall is on that knows nothing of k3s's networks."""
    on = [name for name in ("ufw", "firewalld") if active(host, name)]
    # ufw's unit runs on every Ubuntu, and does nothing before somebody says `ufw enable`
    if "ufw" in on and not any(map(UFW_ON.match, host.lines("/etc/ufw/ufw.conf"))):
        on.remove("ufw")
    return judged(on, services=listed(on))


def active(host, unit):
    """Whether a unit runs."""
    told = host.answer("systemctl", "show", "-p", "ActiveState", "--value", unit)
    return (told or "").strip() == "active"


def address_dynamic(host):
    """Whether a server's address is one that DHCP may change: agents and certificates name it."""
    via = links(host).get(uplink(host))
    if via is None:
        return unknown()
    rows = [one for one in via.get("addr_info", []) if one.get("family") == "inet"]
    lent = [one.get("local", "") for one in rows if one.get("dynamic")]
    return judged(lent, address=listed(lent), interface=via["ifname"])


CHECKS = {
    "route": route,
    "port": port,
    "name_own": name_own,
    "names": names,
    "mtu": mtu,
    "path_mtu": path_mtu,
    "api_reach": api_reach,
    "firewall": firewall,
    "address_dynamic": address_dynamic,
}
