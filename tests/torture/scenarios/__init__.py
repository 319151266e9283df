"""The ways in which `make torture` ends, starves and misleads repoint; one module each."""
