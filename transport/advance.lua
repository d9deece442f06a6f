-- Puts delayed messages that are due soon back on their delay queue, for a worker to wait for their time.
--
-- KEYS[1]  the namespace
-- ARGV     1 name of the delay queue, 2 until when they are due, in Unix ms
-- Returns  whether there may be more.

local queue = KEYS[1] .. ":" .. ARGV[1]
local soon = redis.call("zrangebyscore", queue .. ".later", "-inf", ARGV[2], "limit", 0, 1000)
for _, message_id in ipairs(soon) do
    redis.call("zrem", queue .. ".later", message_id)
    redis.call("rpush", queue, message_id)
end
return #soon == 1000
