"""What the ledger's lines tell: content that stands, phases reached, gates of the next step."""
