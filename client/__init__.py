"""What stands around a running Callboard: starting everything on one machine, and the Redis it may need for that."""
