"""What a rehearsal is made of: servers as CloudNativePG would set them up, logins, checks."""
