"""What the screens show, as immutable values, and pure functions from inventory rows to them.

No Textual, no clock, no language here. Names are kept as the site gave them, hostile or not: they
are made fit for a terminal where they are painted (`widgets.paint`), in one place.
"""
