"""Values to text: for a person, a machine, a pull request. Nothing here prints."""
