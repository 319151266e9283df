"""What a rollout does and how it knows that it is done: judgement about Kubernetes objects."""
