"""The inference server: real processes on loopback, real HTTP, tiny real ONNX models."""
