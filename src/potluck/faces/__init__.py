"""The faces: what people and scripts see.

Here lives: the command line, the live view, the demonstration. Not here: what the engine decides.
Law: a face is a client of the local API and never sees an engine object. Every wait and every
refusal it shows has a reason and a next step.
"""
