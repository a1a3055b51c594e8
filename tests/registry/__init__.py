"""Registries: Debian's, one that serves a link badly, and a double for what no real one does."""
