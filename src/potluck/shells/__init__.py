"""The shells: the only code that touches the world.

Here lives: threads, sockets, files, clocks. Not here: what should be done (engine).
Law: shells take no decisions. They tell the engine what happened (events) and do what it says
(effects). Locks live here and nowhere else, every file operation goes through `fsops` with a
`SafePath`, and one TLS object belongs to one thread.
"""
