"""Program to text that tools accept: one backend per format, none of which knows another."""
