"""Kubernetes read from its sources: which workload uses which value, in which environment."""
