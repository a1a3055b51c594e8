"""What only shows when the hosts of a site are laid side by side. Runs where Ansible runs."""

from look.host import absent, judged
from look.judge import told
from look.machine import listed

KINDS = {"double_name": "host_name", "double_machine_id": "machine_id", "double_mac": "macs"}


def main(asked):
    """The checks' rows.

    `hosts` is a host's name to its identity, `nodes` a node's to the addresses that the cluster
    knows, `servers` the servers' names.
    """
    results = {check: doubles(asked["hosts"], kind) for check, kind in KINDS.items()}
    results["servers_even"] = servers_even(asked["servers"])
    results["node_address"] = node_address(asked["nodes"], asked["hosts"])
    return {
        "rows": [
            told(check, results[check["check"]], asked["blocking"])
            for check in asked["checks"]
            if check["check"] in results
        ]
    }


def doubles(hosts, kind):
    """Whether two hosts have something in common that is there to tell them apart."""
    owners = {}
    for name, identity in hosts.items():
        values = identity[kind] if isinstance(identity[kind], list) else [identity[kind]]
        for value in set(filter(None, values)):
            owners.setdefault(value, []).append(name)
    shared = {value: names for value, names in owners.items() if len(names) > 1}
    hosts_of = sorted({name for names in shared.values() for name in names})
    return judged(shared, hosts=listed(hosts_of), value=listed(sorted(shared)))


def node_address(nodes, hosts):
    """Whether the nodes answer where the cluster looks for them: DHCP may have moved them."""
    moved = [
        f"{name} {told[0]}"
        for name, told in sorted(nodes.items())
        if told and name in hosts and not set(told) & set(hosts[name]["addresses"])
    ]
    return judged(moved, nodes=listed(moved)) if nodes else absent()


def servers_even(servers):
    """Whether the servers can lose one: two cannot, and four no more than three."""
    return judged(len(servers) > 1 and len(servers) % 2 == 0, count=len(servers))
