-- Removes dead letters that were kept long enough.
--
-- KEYS[1]  the namespace
-- ARGV     1 queue name, 2 until which time they go, in Unix ms

local dead_letters = KEYS[1] .. ":" .. ARGV[1] .. ".XQ"
for _, message_id in ipairs(redis.call("zrangebyscore", dead_letters, 0, ARGV[2], "limit", 0, 1000)) do
    redis.call("zrem", dead_letters, message_id)
    redis.call("hdel", dead_letters .. ".msgs", message_id)
end
