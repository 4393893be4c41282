"""Own: the folder of this device, from what stands on the disk to the signed head others follow.

Here lives: looking, reading, judging, publishing. Not here: anything about other owners' folders
(engine/others).
"""
