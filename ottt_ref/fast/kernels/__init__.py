"""Compiled loops of the fast backend."""
