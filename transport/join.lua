-- Makes a worker known, and the queues that it works for.
--
-- Out of memory Redis refuses a script's first write if that may take memory, and no later one. HDEL takes none: so a
-- worker may start then, or begin anew, and make room.
--
-- KEYS[1]  the namespace
-- ARGV     1 worker id, 2 its account of itself, 3 its crew's key, see pulse.py, 4 how long the crew is alive without
--          another sign, in ms, 5 how long its queues are remembered, in ms, then their names

local namespace, worker_id, account, crew, alive_ms, remembered_ms = KEYS[1], unpack(ARGV, 1, 5)
local first_queue_name = 6

local queues = namespace .. ":__queues__"

redis.call("hdel", crew, worker_id)
redis.call("hset", crew, worker_id, account)
redis.call("pexpire", crew, alive_ms)
-- With its time, for a stock Dramatiq worker that looks after the same queues.
redis.call("zadd", namespace .. ":__heartbeats__", now_ms(), worker_id)
for i = first_queue_name, #ARGV do
    redis.call("sadd", queues, ARGV[i])
end
redis.call("pexpire", queues, remembered_ms)
