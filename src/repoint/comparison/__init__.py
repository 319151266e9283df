"""Source against target: the SQL that is asked, and what the answers mean."""
