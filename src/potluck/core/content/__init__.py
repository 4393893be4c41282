"""Content: what is shared, as paths, pieces and manifests, and what to do about one path.

Here lives: facts about files and pure decisions. Not here: the disk (shells/disk), rows
(engine/index).
"""
