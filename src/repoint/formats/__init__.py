"""Bytes to values with byte spans; nothing is ever written from here."""
