"""Legal bases of processing and people's consents."""
