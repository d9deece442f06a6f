-- Ends the message of a request that was cancelled, wherever it is, in the layout of Dramatiq's dispatch.lua, and in
-- the same step keeps and publishes its outcome and its event: exactly when it was still there. Whoever works on it
-- does not have it any more then, so that its completion does nothing.
--
-- Its id stays in the list or lane that it waits in: to find it there would take as long as that is. See fetch.lua.
--
-- KEYS[1]  the namespace
-- ARGV     1 queue name, 2 redis message id, 3 the events channel, 4 the event, 5 the channel that workers hear on,
--          then its answer, see answer.lua
-- Returns  whether it was there.

local namespace = KEYS[1]
local queue_name, message_id, events_channel, event, call_offs = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local first_of_answer = 6

local queue = namespace .. ":" .. queue_name
local messages = queue .. ".msgs"
local message = redis.call("hmget", messages, message_id)[1]
if not message then
    return 0
end
redis.call("hdel", messages, message_id)
publish_event(events_channel, event)
send_answer(first_of_answer, function()
    redis.call("hset", messages, message_id, message)
end)
local _, claim, _, first_channel = read_answer(first_of_answer)
if claim ~= "" then
    -- The claim of a delayed request was to outlive its delay. As long as it does, a repeat is to find the outcome.
    local kept_at, claimed_s = ARGV[first_channel - 2], redis.call("ttl", claim)
    if claimed_s > redis.call("ttl", kept_at) then
        redis.call("expire", kept_at, claimed_s)
    end
end
redis.call("hdel", queue .. ".suspects", message_id)
redis.call("zrem", queue .. ".later", message_id)
local is_in_hand = false
for _, worker_id in ipairs(redis.call("zrange", namespace .. ":__heartbeats__", 0, -1)) do
    if redis.call("srem", namespace .. ":__acks__." .. worker_id .. "." .. queue_name, message_id) == 1 then
        is_in_hand = true
    end
end
if is_in_hand then
    redis.call("publish", call_offs, message_id)
end
return 1
