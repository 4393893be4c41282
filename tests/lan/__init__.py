"""Real daemons on a LAN of network namespaces; see hosts.py for the LAN and potluck.py for a daemon
on it.
"""
