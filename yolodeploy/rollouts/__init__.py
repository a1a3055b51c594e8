"""The engine that takes a set of sites to a release: planning on real figures, steps, verdicts.

It knows sites and a journal by their interfaces (`ports`); no front end, no inventory, no images.
"""
