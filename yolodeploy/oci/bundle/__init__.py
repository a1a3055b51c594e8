"""Bundles: one file that carries images and other files to a site without a network.

A plain tar whose every byte follows from the manifest at its beginning. Imports `oci` and core.
"""
