"""Lines of `expect:`: judged for all packets, and written from what is so now."""
