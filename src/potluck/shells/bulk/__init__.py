"""Bulk: contents and manifests over bulk links, from the side that asks and the side that serves.

Here lives: requests and answers. Not here: how a link comes to be (shells/links), files
(shells/disk).
"""
