"""A whole cluster for tests: the real control plane, with real programs in its pods.

`World` is the way in; tests/cluster/test_world.py shows what it does. What is real and what
stands in for something is listed in README.md of this folder.
"""
