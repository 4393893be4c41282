"""Loop: the one thread that owns the engine, how others reach it, the threads that work for it.

Here lives: loop, inbox, people, workers, chores, signals, and the flight recorder with what it
hides. Not here: what the work is; links, bulk and disk hold that.
"""
