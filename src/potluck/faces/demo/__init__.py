"""The demonstration: several real devices on one machine, watched from outside.

Here lives: devices, files, acts, the verdict. Not here: anything a real device does otherwise.
Law: no shortcut. The devices are processes of their own, with homes and folders of their own; what
is shown comes from their local APIs, and the verdict from reading their disks.
"""
