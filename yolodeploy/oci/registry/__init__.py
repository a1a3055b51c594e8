"""A thin client of OCI registries: what is lacking there is uploaded, what is lacking here comes.

Knows layouts and wires, not releases or people. The HTTP library is imported when somebody speaks
to a registry and not before.
"""
