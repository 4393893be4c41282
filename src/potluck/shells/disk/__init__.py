"""Disk: every effect that touches share files, below one held folder descriptor.

Here lives: looking, hashing, importing, trash. Not here: sockets, or what should stand where
(engine).
"""
