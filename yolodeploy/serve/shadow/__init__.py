"""Mirroring what this server sees to a second one, and comparing the two.

The second server may be slow, dead, lying or hostile: nothing of that reaches the first one's
clients. Imported only where the site settings name a shadow.
"""
