"""OCI images as files: the layout on disk, reproducible layers, the store of unpacked ones.

Knows digests and bytes, not models, sites or people; imports only core, needs no daemon.
"""
