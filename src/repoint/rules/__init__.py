"""Rules: pure functions from facts to purposes, routes and findings."""
