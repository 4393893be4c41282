"""The core: values in, values out.

Law: nothing here does I/O, reads a clock, draws a random number, starts a thread or writes a log.
Time arrives as `now` (seconds, float), randomness as bytes. The machines of this layer (ring,
kademlia, admission, swarm, sightings) do not know each other; only the engine composes them.
"""
