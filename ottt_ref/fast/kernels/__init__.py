"""Compiled loops of the fast backend: each works on whole contiguous arrays, of float64 or float32."""
