-- Puts a message on its queue, in the layout of Dramatiq's dispatch.lua.
--
-- KEYS[1]  the namespace
-- ARGV     queue name, redis message id, message

local queue = KEYS[1] .. ":" .. ARGV[1]
redis.call("hset", queue .. ".msgs", ARGV[2], ARGV[3])
redis.call("rpush", queue, ARGV[2])
