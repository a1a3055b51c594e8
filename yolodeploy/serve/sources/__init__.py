"""Cameras: each is read by a process of its own, which hands frames over when it is asked for one.

`reader` is that process; it alone imports PyAV, which the server must never do: a stream that
crashes a decoder costs one camera a second and not the server its life.
"""
