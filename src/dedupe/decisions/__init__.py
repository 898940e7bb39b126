"""What people decided about articles: the facts, the file that keeps them, and what of it holds now."""
