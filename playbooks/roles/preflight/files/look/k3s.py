"""k3s on one host: files, certificates, database, and what it complains of."""

import calendar
import re
import ssl
import time

from look.host import DAY, absent, finding, judged, last_match, ok, one_line, unknown
from look.machine import listed
from look.network import links

UNITS = {
    "k3s": "/etc/systemd/system/k3s.service",
    "k3s-agent": "/etc/systemd/system/k3s-agent.service",
}
BINARY = "/usr/local/bin/k3s"
STATE = "/var/lib/rancher/k3s"
CONFIG = "/etc/rancher/k3s/config.yaml"
LEFT = (
    BINARY, "/usr/local/bin/k3s-uninstall.sh", "/usr/local/bin/k3s-agent-uninstall.sh",
    f"{STATE}/server", f"{STATE}/agent/etc", f"{STATE}/data", "/etc/rancher/node/password",
    "/etc/cni/net.d/10-flannel.conflist",
)  # fmt: skip
INTERFACES = ("cni0", "flannel.1")
TEMPLATES = f"{STATE}/agent/etc/containerd/config*.toml.tmpl"
BASE = re.compile(r"\{\{-?\s*template\s+\"base\"")
CERTIFICATES = (
    f"{STATE}/server/tls/*.crt",
    f"{STATE}/server/tls/etcd/*.crt",
    f"{STATE}/agent/*.crt",
)
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
AUTHORITY_DAYS = 3000  # k3s's authorities live ten years, and are not renewed with the others
# notBefore and notAfter follow each other in a certificate, in one sequence
TIMES = re.compile(
    rb"\x30.(?:\x17\x0d|\x18\x0f)(\d{12,14})Z(?:\x17\x0d|\x18\x0f)(\d{12,14})Z", re.DOTALL
)
DATABASES = (f"{STATE}/server/db/state.db", f"{STATE}/server/db/etcd/member/snap/db")
REFUSED = re.compile(
    r"[Nn]ode password rejected|[Nn]ode password validation failed"
    r"|unable to verify (password|hash) for node"
)
# the line of whoever was refused names the node; without one it is this host
REFUSED_NODE = re.compile(r"(?:password|hash) for node\s+\[?\"?'?([a-z0-9.-]+)")
CORRUPT = re.compile(
    r"unexpected commit digest|metadata\.db.*(invalid|corrupt|checksum)|page \d+.*already freed"
    r"|failed to load plugin.*bolt|blob sha256:\S+ .*(not found|input/output error)"
    r"|content digest sha256:\S+: not found|failed to recover state|structure needs cleaning"
    r"|database disk image is malformed",
)
MESSAGE = re.compile(r'msg="((?:[^"\\]|\\.)*)"')
LATELY = "-5min"
FAILING = re.compile(r"level=(fatal|error)|^[EF]\d{4} |panic:|Error:", re.IGNORECASE)
# it may listen already, or be between two starts
STARTING = ("activating", "reloading", "deactivating")


def unit(host):
    """The unit by which k3s runs here; None where it is not set up."""
    return next((name for name, file in UNITS.items() if host.exists(file)), None)


def message(line):
    """What a line of k3s's log says, without when and how loud."""
    found = MESSAGE.search(line)
    return one_line(found.group(1).replace('\\"', '"') if found else line)


def state(host, name):
    """How a unit is: `active`, `activating`, `failed` or another of systemd's words."""
    return (host.answer("systemctl", "show", "-p", "ActiveState", "--value", name) or "").strip()


def log(host):
    """What k3s said since it runs; where it does not, all day."""
    name = unit(host)
    run = (host.answer("systemctl", "show", "-p", "InvocationID", "--value", name) or "").strip()
    if run and state(host, name) == "active":
        return host.journal(f"_SYSTEMD_INVOCATION_ID={run}")
    return host.journal("-u", name, "-S", DAY)


def leftover(host):
    """Whether parts of an earlier k3s are in the way of the next."""
    if unit(host):
        lacking = [] if host.exists(BINARY) else [f"{UNITS[unit(host)]} without {BINARY}"]
        return judged(lacking, left=listed(lacking))
    left = [name for name in LEFT if host.exists(name)]
    left += [name for name in INTERFACES if name in links(host)]
    return judged(left, left=listed(left))


def k3s_stopped(host):
    """Whether k3s runs, and what it said last where it does not."""
    name = unit(host)
    now = state(host, name)
    if not now:
        return unknown()
    line = last_match(log(host), FAILING)
    return judged(now != "active", unit=name, state=now, line=message(line or "-"))


def k3s_version(host):
    """Whether k3s is of the version that the lock names."""
    wanted = host.asked.get("k3s_version", "")
    told = re.search(r"k3s version (\S+)", host.answer("k3s", "--version") or "")
    if not wanted or not told:
        return absent() if not wanted else unknown()
    return judged(told.group(1) != wanted, version=one_line(told.group(1)), wanted=wanted)


def config_mode(host):
    """Whether files with secrets of the cluster can be read by everybody."""
    folder = "/etc/rancher/k3s"
    names = (
        CONFIG,
        f"{folder}/k3s.yaml",
        f"{folder}/registries.yaml",
        "/etc/rancher/node/password",
    )
    open_to_all = [n for n in names if host.exists(n) and host.path(n).stat().st_mode & 0o077]
    return judged(open_to_all, files=" ".join(open_to_all))


def containerd_template(host):
    """Whether a template of containerd's configuration extends the one that comes with k3s."""
    found = host.found(TEMPLATES)
    own = [name for name in found if not BASE.search(host.text(name) or "")]
    return judged(own, files=listed(own))


def certificates(host):
    """How many days the first certificate to end has left."""
    names = [name for pattern in CERTIFICATES for name in host.found(pattern)]
    ends = {name: end for name in names for end in [ends_at(host, name)] if end is not None}
    if not ends:
        return unknown()
    name = min(ends, key=lambda one: ends[one])
    days = int((ends[name] - time.time()) // 86400)
    return judged(days < host.asked["certificate_days"], file=name, days=days)


def ends_at(host, name):
    """When a certificate ends, in Unix seconds; None for an authority's, or what is none."""
    pem = PEM.search(host.text(name) or "")
    try:
        found = TIMES.search(ssl.PEM_cert_to_DER_cert(pem.group())) if pem else None
        if found is None:
            return None
        begin, end = (moment(one.decode()) for one in found.groups())
    except ValueError:
        return None
    return end if end - begin < AUTHORITY_DAYS * 86400 else None


def moment(digits):
    """Unix seconds of a certificate's time: two digits of a year (1950 to 2049), or four."""
    if len(digits) == 12:
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    return calendar.timegm(time.strptime(digits, "%Y%m%d%H%M%S"))


def datastore(host):
    """Whether the cluster's database has grown out of proportion."""
    sizes = {n: host.path(n).stat().st_size // 1_000_000 for n in DATABASES if host.exists(n)}
    if not sizes:
        return unknown()
    name, most = max(sizes, key=lambda one: sizes[one]), host.asked["datastore_mb"]
    return judged(sizes[name] > most, file=name, mb=sizes[name], most=most)


def node_password(host):
    """Whether a node is refused because it was installed anew.

    It asks every few seconds: what was said long ago has been mended. One that is let in runs.
    """
    name, node = unit(host), host.asked["node"]
    line = last_match(host.journal("-u", name, "-S", LATELY), REFUSED)
    if line is None or (name == "k3s-agent" and state(host, name) == "active"):
        return ok(node=node)
    named = REFUSED_NODE.search(line)
    return finding(node=named.group(1) if named else node, line=message(line))


def node_password_file(host):
    """Whether the password is there by which the servers know this node."""
    if state(host, unit(host)) != "active":
        return unknown()  # k3s writes it when it starts
    return judged(
        not (host.text("/etc/rancher/node/password") or "").strip(), node=host.asked["node"]
    )


def containerd_corrupt(host):
    """Whether containerd or the database complain of what a power loss leaves behind."""
    line = last_match(log(host), CORRUPT)
    return ok() if line is None else finding(line=message(line))


CHECKS = {
    "leftover": leftover,
    "k3s_stopped": k3s_stopped,
    "k3s_version": k3s_version,
    "config_mode": config_mode,
    "containerd_template": containerd_template,
    "certificates": certificates,
    "datastore": datastore,
    "node_password": node_password,
    "node_password_file": node_password_file,
    "containerd_corrupt": containerd_corrupt,
}
