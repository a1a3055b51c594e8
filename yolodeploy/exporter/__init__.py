"""A trained `.pt` as an ONNX file: in a process, and perhaps a Python, of its own.

The one place where torch and ultralytics (AGPL-3.0) are imported. Nothing of ours imports it, and
it imports nothing of ours: it is started by path, in whichever Python has ultralytics. What it is
given to read is hostile.
"""
