"""Kills, full disks and races: the tree always ends byte for byte before or after."""
