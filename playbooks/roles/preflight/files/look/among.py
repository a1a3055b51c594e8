"""What only shows when the hosts of a site are laid side by side. Runs where Ansible runs.

What the hosts said of themselves may be of any form: a host that lies must not keep the others
from being compared.
"""

from look.host import absent, judged, one_line
from look.judge import told
from look.machine import listed

KINDS = {"double_name": "host_name", "double_machine_id": "machine_id", "double_mac": "macs"}
MOST = 64  # interfaces of one host


def main(asked):
    """The checks' rows.

    `hosts` is a host's name to its identity, `nodes` a node's to the addresses that the cluster
    knows, `servers` the servers' names.
    """
    hosts = {name: sound(identity) for name, identity in asked["hosts"].items()}
    results = {check: doubles(hosts, kind) for check, kind in KINDS.items()}
    results["servers_even"] = servers_even(asked["servers"])
    results["node_address"] = node_address(sound(asked["nodes"]), hosts)
    return {
        "rows": [
            told(check, results[check["check"]], asked["blocking"])
            for check in asked["checks"]
            if check["check"] in results
        ]
    }


def sound(told):
    """Name to words, of what should be name to a word or to some; the rest is left out."""
    found = {}
    for name, words in told.items() if isinstance(told, dict) else ():
        some = words if isinstance(words, list) else [words]
        found[name] = [one_line(word) for word in some[:MOST] if isinstance(word, str) and word]
    return found


def doubles(hosts, kind):
    """Whether two hosts have something in common that is there to tell them apart."""
    owners = {}
    for name, identity in hosts.items():
        for value in set(identity.get(kind, ())):
            owners.setdefault(value, []).append(name)
    shared = {value: names for value, names in owners.items() if len(names) > 1}
    hosts_of = sorted({name for names in shared.values() for name in names})
    return judged(shared, hosts=listed(hosts_of), value=listed(sorted(shared)))


def node_address(nodes, hosts):
    """Whether the nodes answer where the cluster looks for them: DHCP may have moved them."""
    moved = [
        f"{name} {told[0]}"
        for name, told in sorted(nodes.items())
        if told
        and hosts.get(name, {}).get("addresses")
        and not set(told) & set(hosts[name]["addresses"])
    ]
    return judged(moved, nodes=listed(moved)) if nodes else absent()


def servers_even(servers):
    """Whether the servers can lose one: two cannot, and four no more than three."""
    return judged(len(servers) > 1 and len(servers) % 2 == 0, count=len(servers))
