"""Source against target through real connections: what is there, and what was written since."""
