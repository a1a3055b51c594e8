"""The embedded site: real, supervised server processes on this machine; only a cluster lacks.

supervisord keeps the processes, the agent (a process of the site) brings them to what was asked
for and guards trials; the adapter (`site.EmbeddedSite`) only writes intents and reads states.
"""
