"""potluck keeps a folder the same on every computer of a home or small office, with no server.

The engine is a function from what happened to what should be done; everything else either tells it
what happened or does what it says. The floors, each importing only those to its right: `__main__` >
`faces` > `daemon` > `assembly` > `shells` > `engine` (with `config` beside it) > `core`.
"""
