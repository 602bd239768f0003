"""Keys by which gates and middleware sign what they send."""
