"""What the checks of gateways find: a module a subject, as in the role `preflight`.

The role tells the same in English to whoever runs plain Ansible; a test holds both equal.
"""

from yolodeploy.core.messages.check import cluster, disk, gpu, k3s, machine, network, reach

MESSAGES = {
    **reach.MESSAGES,
    **machine.MESSAGES,
    **disk.MESSAGES,
    **network.MESSAGES,
    **gpu.MESSAGES,
    **k3s.MESSAGES,
    **cluster.MESSAGES,
}
