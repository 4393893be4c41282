"""The settings: few, all defaulted, each with its origin.

Here lives: what a person can set, how the places where it can be set are merged, what comes out.
Not here: what a setting does; nothing in this package acts on one.
"""
