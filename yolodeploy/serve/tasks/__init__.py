"""From a network's outputs to what is in the picture, one module a task, joined by `table`.

Pure functions on arrays: no engine, no decoder and no HTTP is imported here.
"""
