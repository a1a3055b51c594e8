"""The embedded site: real server processes on this machine, supervised, with everything but a cluster.

supervisord keeps the processes, the agent (a process of the site) brings them to what was asked
for and guards trials; the adapter (`site.EmbeddedSite`) only writes intents and reads states.
"""
