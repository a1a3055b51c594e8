"""Doubles: stand-ins for what cannot run here (k3s, NVIDIA), written against what the real ones document."""
