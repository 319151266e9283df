"""The ledger, the gates between environments, and where each environment stands."""
