"""Make the checks of the table that apply here, one after another."""

from look import cluster, disk, gpu, images, k3s, machine, network, proxy
from look.host import Host, absent, one_line, unknown

CHECKS = {
    **machine.CHECKS, **disk.CHECKS, **network.CHECKS, **proxy.CHECKS,
    **gpu.CHECKS, **k3s.CHECKS, **images.CHECKS, **cluster.CHECKS,
}  # fmt: skip
LONGEST_LIST = 4000  # characters: half a list of packages would hold half of them
# when a check is made; the words of the table
CONDITIONS = {
    "k3s": lambda host: host.asked["k3s"],
    "server": lambda host: host.asked["role"] == "server",
    "teller": lambda host: host.asked["tells"],
    "gpu": lambda host: gpu.present(host) or host.asked["profile"] != "cpu",
    "gpu_site": lambda host: host.asked["gpu_site"],
}


def main(asked):
    """The checks' rows, and what is compared between hosts."""
    return look(Host(asked))


def look(host):
    """See `main`."""
    asked = host.asked
    unit = k3s.unit(host)
    asked["k3s"] = unit is not None
    state = k3s.state(host, unit) if unit is not None else ""
    asked["k3s_runs"], asked["k3s_starts"] = state == "active", state in k3s.STARTING
    rows = [row(host, check) for check in asked["checks"] if applies(asked["moment"], check)]
    nodes = cluster.addresses(host) if asked["tells"] and asked["k3s_runs"] else {}
    return {"rows": rows, "identity": identity(host), "nodes": nodes}


def applies(moment, check):
    """Whether a check is one of this moment's: all, or those before anything is installed."""
    return moment == "all" or check.get("before", False)


def row(host, check):
    """One check's result, in figures and in words."""
    name = check["check"]
    if all(CONDITIONS[word](host) for word in check.get("where", [])):
        try:
            result = CHECKS[name](host)
        except Exception as error:
            result = unknown(reason=one_line(f"{type(error).__name__}: {error}"))
    else:
        result = absent()
    return told(check, result, host.asked["blocking"])


def told(check, result, blocking):
    """A row of the report; texts only where something is wrong."""
    fields = {name: one_line(value, LONGEST_LIST) for name, value in result.fields.items()}
    wrong = result.result == "finding"
    return {
        "check": check["check"],
        "result": result.result,
        "fields": fields,
        "blocking": wrong and check["check"] in blocking,
        "mend": check.get("mend", "") if result.mendable else "",
        "says": filled(check["says"], fields) if wrong else "",
        "remedy": filled(check["remedy"], fields) if wrong else "",
    }


def filled(text, fields):
    """A text with its fields; they are put in once, whatever they say."""
    for name, value in fields.items():
        text = text.replace("{" + name + "}", value.replace("{", "\0"))
    return text.replace("\0", "{")


def identity(host):
    """What no two hosts may have in common."""
    macs = [
        one.get("address", "") for name, one in network.links(host).items() if is_card(host, name)
    ]
    return {
        "host_name": one_line(machine.own_name(host)).lower(),  # as a node is called
        "machine_id": one_line((host.lines("/etc/machine-id") or [""])[0]),
        "macs": [one_line(mac) for mac in macs],
        "addresses": sorted(network.own_addresses(host)),
    }


def is_card(host, name):
    """Whether an interface leads out of the machine: the others' addresses are made up."""
    return name == network.uplink(host) or host.exists(f"/sys/class/net/{name}/device")
