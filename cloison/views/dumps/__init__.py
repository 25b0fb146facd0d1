"""What enforcement points get to hold: dumps, how full they make tables, what decides there."""
