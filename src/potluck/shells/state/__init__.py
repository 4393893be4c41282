"""State: where a device keeps what is its own: home, key, index made durable, reserve.

Here lives: the state directory. Not here: share files (shells/disk), rows and SQL (engine/index).
"""
