"""What is asked of a consumer in the cluster, and what pool metrics mean."""
