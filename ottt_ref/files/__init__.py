"""Files of networks and arrays."""
