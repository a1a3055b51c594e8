"""Keeping a bounded sample of frames that are worth looking at, in the state folder.

Imported only where the site settings ask for it.
"""
