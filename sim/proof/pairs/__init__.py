"""Who can reach whom, pair by pair: blocks of both ends, walked over the routes."""
