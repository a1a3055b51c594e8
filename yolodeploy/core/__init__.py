"""The words of the glossary as values, and the pure rules on them.

No I/O, no clock, no randomness, no heavy import may come in here: what a rule needs is an argument.
"""
