"""The one SQLite file: what is known of devices, sites, releases, rollouts, operations, latency.

Reads use the standard library's sqlite3; sqlite_utils is loaded only to migrate. Nothing above
`core` is imported here, and nothing here reads a clock: times are arguments, in Unix seconds.
"""
