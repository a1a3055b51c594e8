"""For how long whoever sets a camera up waits, in seconds, if nobody says otherwise."""

FOLLOWED_S = 150.0
"""Until servers follow the settings and show pictures."""

LOOKED_AT_S = 3.0
"""At a camera that has answered."""
