"""Net: which networks this host is on, which port it is reached at, and datagrams.

Here lives: UDP, ports, interfaces. Not here: connections (shells/links), what is said (core/wire).
"""
