"""Views: the engine's state as frozen values for the faces.

Here lives: what people are shown, summed up from the other districts. Not here: any decision, any
change of state.
"""
