"""Receiving: from received pieces to files that stand in other owners' folders.

Here lives: part files, group commits, replacing. Not here: watching; the two meet only in
shells/disk/pool.
"""
