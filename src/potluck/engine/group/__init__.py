"""Group: the group this device belongs to, and how devices come into it.

Here lives: membership, admission, pairing. Not here: links between members (engine/ring), files.
"""
