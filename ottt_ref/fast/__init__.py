"""A fast backend of the same signatures: it exploits that spikes are sparse, and is checked against the reference."""
