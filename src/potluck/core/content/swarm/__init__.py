"""Swarm: which content, and which piece of it, is asked from whom next.

Here lives: the scheduling of transfers. Not here: links and sockets (shells/bulk), files on the
disk (shells/disk).
"""
