-- Ends the message of a request that was cancelled, wherever it is, in the layout of Dramatiq's dispatch.lua, and in the
-- same step keeps and publishes its outcome and its event: exactly when it was still there. Whoever works on it has it no
-- more then, so that its completion does nothing.
--
-- Its id is left where it waits: to find it there would take as long as the queue is. See fetch.lua.
--
-- KEYS[1]  the namespace
-- ARGV     1 queue name, 2 redis message id, 3 the events channel, 4 the event, 5 the channel that workers hear on,
--          then its answer, see answer.lua
-- Returns  whether it was there.

local queue_name, message_id = ARGV[1], ARGV[2]
local queue = KEYS[1] .. ":" .. queue_name

local messages = queue .. ".msgs"
local message = redis.call("hmget", messages, message_id)[1]
if not message then
    return 0
end
redis.call("hdel", messages, message_id)
tell(ARGV[3], ARGV[4])
send_answer(6, function()
    redis.call("hset", messages, message_id, message)
end)
if ARGV[7] ~= "" then
    -- The claim of a delayed request was to outlive its delay. As long as it does, a repeat is to find the outcome.
    local kept_at, claimed_s = ARGV[8 + 2 * tonumber(ARGV[8])], redis.call("ttl", ARGV[7])
    if claimed_s > redis.call("ttl", kept_at) then
        redis.call("expire", kept_at, claimed_s)
    end
end
redis.call("hdel", queue .. ".suspects", message_id)
redis.call("zrem", queue .. ".later", message_id)
local is_in_hand = false
for _, worker_id in ipairs(redis.call("zrange", KEYS[1] .. ":__heartbeats__", 0, -1)) do
    if redis.call("srem", KEYS[1] .. ":__acks__." .. worker_id .. "." .. queue_name, message_id) == 1 then
        is_in_hand = true
    end
end
if is_in_hand then
    redis.call("publish", ARGV[5], message_id)
end
return 1
