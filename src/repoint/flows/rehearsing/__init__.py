"""Rehearse: the planned state on private servers, asked as each consumer's driver would ask."""
