"""Numbers for objects that stay from frame to frame; what they cross and where they are.

Loaded only for a camera with `track`, but for `tracked`. Nothing here knows cameras' processes,
models or sinks.
"""
