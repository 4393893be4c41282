"""Others: the folders of other owners, from their signed heads to files that stand on this disk.

Here lives: following, fetching, placing, checking, and answering who asks. Not here: the own folder
(engine/own).
"""
