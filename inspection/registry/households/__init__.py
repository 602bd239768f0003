"""Households and people: who is registered to live where, who visits, who works there, who is away."""
