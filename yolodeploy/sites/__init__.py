"""One interface to a cluster, and what implements it.

`embedded` does it with processes on this machine, `kubernetes` with k3s and any other cluster.

Holds, windows and approvals are decided above; nothing here knows the inventory, waves or people.
"""
