"""One interface to a cluster, and what implements it: `embedded` (processes on this machine).

Holds, windows and approvals are decided above; nothing here knows the inventory, waves or people.
"""
