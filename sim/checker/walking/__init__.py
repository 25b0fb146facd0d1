"""Packets through a network, walked from routes and policies by nothing but what stands here."""
