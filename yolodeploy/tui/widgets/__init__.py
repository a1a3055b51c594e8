"""Widgets that paint lines of spans. They do no I/O and know no device, site or rollout."""
