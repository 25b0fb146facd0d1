"""Isolation and expectations for all packets, and certificates of them."""
