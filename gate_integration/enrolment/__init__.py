"""Enrolment: from a photograph to a template in the vault."""
