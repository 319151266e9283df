"""The way back: files, cluster, and the proof that everybody is at the source."""
