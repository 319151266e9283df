"""One verb each: a flow takes ports and values, and returns values; it never prints."""
