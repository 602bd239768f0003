"""Users: the people who sign in, their roles and the places where these hold."""
