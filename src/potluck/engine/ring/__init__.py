"""Ring: finding the members of the own group, one control link to each, and their place in the
ring.

Here lives: discovery, ring, sealed datagrams. Not here: who may become a member (engine/group),
files.
"""
