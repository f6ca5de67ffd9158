"""OTTT_O as a stream learner: every sample once, one at a time, with a drift half way; and O1's η² on real data."""
