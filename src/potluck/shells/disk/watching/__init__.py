"""Watching: hints that something changed on the disk, within milliseconds.

Here lives: inotify and stillness. Not here: what stands at a path (shells/disk/scanner); it never
writes.
"""
