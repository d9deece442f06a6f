-- Takes a message out of its queue, in the layout of Dramatiq's dispatch.lua, and in the same step keeps and publishes
-- its outcome: exactly when the message was still this worker's, so that no outcome is published twice.
--
-- KEYS[1]  the namespace
-- ARGV     1 queue name, 2 worker id, 3 redis message id, 4 "" or, to make it a dead letter, the time in ms,
--          5 outcome, 6 its time to live in s, 7 how many keys to keep it at, then these keys, then the channels
-- Returns 1, or 0 when the message was another worker's by then.

local namespace, queue_name, message_id, dead_at_ms = KEYS[1], ARGV[1], ARGV[3], ARGV[4]
local outcome, ttl_s, last_key = ARGV[5], ARGV[6], 7 + tonumber(ARGV[7])

local acks = namespace .. ":__acks__." .. ARGV[2] .. "." .. queue_name
if redis.call("srem", acks, message_id) == 0 then
    return 0
end

local messages = namespace .. ":" .. queue_name .. ".msgs"
if dead_at_ms ~= "" then
    -- A delay queue has no dead letters of its own: they go to those of the queue it delays for.
    local dead_letters = namespace .. ":" .. string.gsub(queue_name, "%.DQ$", "") .. ".XQ"
    local message = redis.call("hget", messages, message_id)
    if message then
        redis.call("zadd", dead_letters, dead_at_ms, message_id)
        redis.call("hset", dead_letters .. ".msgs", message_id, message)
    end
end
redis.call("hdel", messages, message_id)

for i = 8, last_key do
    redis.call("set", ARGV[i], outcome, "ex", ttl_s)
end
for i = last_key + 1, #ARGV do
    redis.call("publish", ARGV[i], outcome)
end
return 1
