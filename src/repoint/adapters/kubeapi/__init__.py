"""Kubernetes API servers, reached through `kubectl proxy`, which logs in as the user does."""

from repoint.adapters.kubeapi.door import KubectlDoor

__all__ = ["KubectlDoor"]
