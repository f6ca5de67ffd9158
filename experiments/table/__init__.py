"""The rules side by side on eight data sets, with differences from BPTT seed by seed."""
