"""The endpoints, a file for each thing that somebody may want of the server.

Each says what it takes and gives in the same table that routes it; `/openapi.json` is that table.
"""
