"""Keys: who a device is, what it signs, and what it can seal.

Here lives: device keys, certificates, sealed boxes. Not here: who is trusted (core/group), TLS
(shells/links).
"""
