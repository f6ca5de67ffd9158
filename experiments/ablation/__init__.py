"""One thing at a time changed in a network and its rule, against the default."""
