"""The Open Inference Protocol (KServe's and Triton's v2) over REST, with binary tensors.

Loaded by the first request for an inference; `messages` alone is needed to tell of it.
"""
