"""What is read from sites round by round, and put into the inventory: status, sketches, events.

Nothing here decides anything about releases, and nothing here writes to a site.
"""
