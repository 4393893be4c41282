"""The seeded simulation: real engines, a fake world.

Strategy: every effect an engine returns is carried out by `world.World` on one heap of timed
actions, one seeded source of chance and fake networks and disks; `invariants` judges after every
event and at the end. Guarantee: one seed, one trace, byte for byte. Limits: bulk links and disks
are models; shells have their own tests.
"""
