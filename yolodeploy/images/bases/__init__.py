"""Base and runtime layers: built by a Docker engine from `images/`, then brought into the layout.

The only room that speaks to a Docker engine, and only while it builds; never imports docker before
that.
"""
