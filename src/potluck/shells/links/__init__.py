"""Links: connections between devices, from the first knock to a link that can be spoken on.

Here lives: TLS, handshakes, control links. Not here: the bytes of files (shells/bulk), what is said
(engine).
"""
