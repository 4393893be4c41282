"""Loop: the one thread that owns the engine, how others reach it, and the bounded threads that work
for it.

Here lives: loop, inbox, workers. Not here: what the work is; links, bulk and disk hold that.
"""
