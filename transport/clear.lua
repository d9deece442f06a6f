-- Removes dead letters that were kept long enough.
--
-- KEYS[1]  the namespace
-- ARGV     1 queue name, 2 for how long they are kept, in ms
-- Returns  whether there may be more.

local dead_letters, kept_ms = KEYS[1] .. ":" .. ARGV[1] .. ".XQ", tonumber(ARGV[2])
local page = 1000

local old = redis.call("zrangebyscore", dead_letters, 0, now_ms() - kept_ms, "limit", 0, page)
for _, message_id in ipairs(old) do
    redis.call("zrem", dead_letters, message_id)
    redis.call("hdel", dead_letters .. ".msgs", message_id)
end
return #old == page
