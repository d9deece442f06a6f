-- Removes dead letters that were kept long enough.
--
-- KEYS[1]  the namespace
-- ARGV     1 queue name, 2 those that died up to this time are removed, in Unix ms

local dead_letters, until_ms = KEYS[1] .. ":" .. ARGV[1] .. ".XQ", ARGV[2]

for _, message_id in ipairs(redis.call("zrangebyscore", dead_letters, 0, until_ms, "limit", 0, 1000)) do
    redis.call("zrem", dead_letters, message_id)
    redis.call("hdel", dead_letters .. ".msgs", message_id)
end
