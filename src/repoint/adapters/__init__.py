"""The only code that meets the world: files, git, sops, kubectl."""
