"""Ring: which nodes are there, who is next to whom, who is probed, and where each was seen.

Here lives: membership of the overlay. Not here: who may belong to the group (core/group), files.
"""
