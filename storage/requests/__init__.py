"""What is remembered about requests of people: answers given once, and how many somebody may still make."""
