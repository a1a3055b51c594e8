"""The parts of `benchmarks/serving.py`: environments, material, servers, load and the limits."""
