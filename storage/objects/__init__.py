"""Objects: photographs and documents, each encrypted under a key of its own, never overwritten."""
