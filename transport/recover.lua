-- Brings back to a queue what died with its workers. No use of Dramatiq's maintenance, which asks with KEYS and so reads
-- every key of this Redis.
--
-- A message that was in the hands of a dead worker is a suspect from then on: it may be what has killed it. A suspect
-- that was begun too often is not put on the queue again, but given to the caller, to be ended.
--
-- KEYS[1]  the namespace
-- ARGV     1 queue name, 2 worker id of the caller, 3 how often a message may be begun, then the ids of the dead workers
-- Returns  the redis message ids of those begun too often and, in the same order, the messages.

local queue = KEYS[1] .. ":" .. ARGV[1]
local own_acks = KEYS[1] .. ":__acks__." .. ARGV[2] .. "." .. ARGV[1]
local may_kill = string.sub(ARGV[1], -3) ~= ".DQ" -- a delayed message is not performed while it waits
local condemned = {}

local function bring_back(message_id)
    if redis.call("hexists", queue .. ".msgs", message_id) == 0 then
        return
    end
    local begun = may_kill and redis.call("hget", queue .. ".suspects", message_id)
    if begun and tonumber(begun) >= tonumber(ARGV[3]) then
        redis.call("sadd", own_acks, message_id)
        condemned[#condemned + 1] = message_id
        return
    end
    if may_kill and not begun then
        redis.call("hset", queue .. ".suspects", message_id, 1)
    end
    -- To the head: it was to be the next one before, and has waited long enough.
    redis.call("lpush", queue, message_id)
end

for w = 4, #ARGV do
    local acks = KEYS[1] .. ":__acks__." .. ARGV[w] .. "." .. ARGV[1]
    for _, message_id in ipairs(redis.call("smembers", acks)) do
        bring_back(message_id)
    end
    for _, message_id in ipairs(redis.call("lrange", acks .. ".aside", 0, -1)) do
        bring_back(message_id)
    end
    redis.call("del", acks, acks .. ".aside")
end

if #condemned == 0 then
    return {condemned, condemned}
end
return {condemned, redis.call("hmget", queue .. ".msgs", unpack(condemned))}
