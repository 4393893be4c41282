"""Wire: what one device says to another, as bounded frozen records, and how that becomes bytes.

Here lives: messages and framing. Not here: what a message means; the districts that hear it decide.
"""
