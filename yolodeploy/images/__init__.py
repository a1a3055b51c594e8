"""Models taken in and images built: base, runtime, server and model layers, without a daemon.

Imports oci and core; never the server (packed as files, probed in a process of its own), never
the inventory (callers pass values), never ultralytics or torch.
"""
