"""Gateways made into sites: the Ansible project run, its events read, its findings judged.

Ansible itself is a process of its own, and ansible-runner is imported in one file only. Knows
devices and files, not people, screens or rollouts.
"""
