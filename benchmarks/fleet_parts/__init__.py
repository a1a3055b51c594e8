"""Parts of `benchmarks/fleet.py`: what clusters and sites that nobody has would say."""
