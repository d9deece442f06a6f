-- Puts delayed messages that are due soon back on their delay queue, for a worker to wait for their time.
--
-- KEYS[1]  the namespace
-- ARGV     1 name of the delay queue, 2 until when they are due, in Unix ms
-- Returns  whether there may be more.

local queue, until_ms = KEYS[1] .. ":" .. ARGV[1], ARGV[2]
local later, page = queue .. ".later", 1000

local soon = redis.call("zrangebyscore", later, "-inf", until_ms, "limit", 0, page)
for _, message_id in ipairs(soon) do
    redis.call("zrem", later, message_id)
    redis.call("rpush", queue, message_id)
end
return #soon == page
