"""API: the local API, frozen views out and commands in, for faces in other processes.

Here lives: the server and what it may ask. Not here: how anything is shown (faces), decisions
(engine).
"""
