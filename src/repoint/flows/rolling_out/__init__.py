"""Rollout: the desired state of an environment, brought to its cluster step by step."""
