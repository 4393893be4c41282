"""The tests, as a package: `python3 pot.py test` runs `tests/__main__.py`, and helpers are
`tests.sim.world`.

A package and not a loose folder, so that nothing installed elsewhere under the name `tests` can
take its place.
"""
