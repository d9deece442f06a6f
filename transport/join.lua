-- Makes a worker known, and the queues that it works for.
--
-- Out of memory Redis refuses a script's first write if that may take memory, and no later one. DEL takes none: so a
-- worker may start then, or begin anew, and make room.
--
-- KEYS[1]  the namespace
-- ARGV     1 worker id, 2 its account of itself, 3 how long it is alive without another sign, in ms, 4 how long its
--          queues are remembered, in ms, then their names

local namespace, worker_id, account, alive_ms, remembered_ms = KEYS[1], unpack(ARGV, 1, 4)
local first_queue_name = 5

local alive = namespace .. ":__alive__." .. worker_id
local queues = namespace .. ":__queues__"

redis.call("del", alive)
redis.call("set", alive, account, "px", alive_ms)
-- With its time, for a stock Dramatiq worker that looks after the same queues.
redis.call("zadd", namespace .. ":__heartbeats__", now_ms(), worker_id)
for i = first_queue_name, #ARGV do
    redis.call("sadd", queues, ARGV[i])
end
redis.call("pexpire", queues, remembered_ms)
