"""What Dramatiq's Redis broker is extended by, a subject a file.

`messages` is what a worker holds, `answers` what is kept and published of it, `scripts` the Redis side of both,
`consumer` how messages come in, `redis_broker` the broker that joins them, `outcomes` and `termination` the
middleware of our own, `connection` the client and how long to wait for Redis.
"""
