"""Verify: what the cluster really does now, consumer by consumer."""
