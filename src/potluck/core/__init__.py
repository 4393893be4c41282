"""The core: values in, values out.

Law: nothing here does I/O, reads a clock, draws a random number, starts a thread or writes a log.
Time arrives as `now` (seconds, float), randomness as bytes or through a `Chance`. The machines of
different districts do not know each other; only the engine composes them.
"""
