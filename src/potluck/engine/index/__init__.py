"""The index: what this device knows, in one SQLite file; the only SQL in the program.

Here lives: tables, rows, queries. Not here: what they mean; the districts that ask decide.

Strategy: the engine writes while it handles an event and reads its own writes at once, one
transaction per event; the store thread makes it durable afterwards
(docs/decisions/001-index-written-by-the-loop.md). One object per subject (`meta`, `roster`,
`addresses`, `manifests`, `places`, `needs`, `contents`, `intents`), all over one `Database`.
"""

from potluck.engine.index.index import Index

__all__ = ["Index"]
