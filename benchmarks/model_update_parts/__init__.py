"""The parts of `benchmarks/model_update.py` that need a registry: ours, the peers, the wire."""
