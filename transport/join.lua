-- Makes a worker known, and the queues that it works for.
--
-- Out of memory Redis refuses a script's first write if that may take memory, and no later one. DEL takes none, so that a
-- worker may start then, or begin anew, and make room.
--
-- KEYS[1]  the namespace
-- ARGV     1 worker id, 2 its account of itself, 3 how long it is alive without another sign, in ms, 4 now, in Unix ms,
--          5 how long its queues are remembered, in ms, then their names

local alive = KEYS[1] .. ":__alive__." .. ARGV[1]
local queues = KEYS[1] .. ":__queues__"

redis.call("del", alive)
redis.call("set", alive, ARGV[2], "px", ARGV[3])
-- With its time, for a stock Dramatiq worker that looks after the same queues.
redis.call("zadd", KEYS[1] .. ":__heartbeats__", ARGV[4], ARGV[1])
for i = 6, #ARGV do
    redis.call("sadd", queues, ARGV[i])
end
redis.call("pexpire", queues, ARGV[5])
