"""Laws of actions over what networks give: choices, several choices at once, and numbers."""
