"""Doubles of NVIDIA's packages: real .deb files, and a GPU that is a JSON file on the host.

Faithful in what roles, plugin and proof look at; nothing here computes anything.
"""
