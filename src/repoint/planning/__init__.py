"""Pure planning: files to an inventory, an inventory to a plan, edits to bytes."""
