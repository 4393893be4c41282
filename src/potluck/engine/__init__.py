"""The engine: a function from what happened to what should be done.

Law: pure but stateful. `handle(event, now)` returns effects and never waits; the only outside
library is sqlite3, and only in `index`. It holds no file content; what a call costs is said, as
measured, in engine.py.
"""
