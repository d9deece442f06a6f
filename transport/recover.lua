-- Brings back to a queue what died with its worker, and clears dead letters that are too old: what Dramatiq's
-- dispatch.lua calls maintenance, but without its KEYS, which would read every key of this Redis.
--
-- KEYS[1]  the namespace
-- ARGV     1 queue name, 2 after how many ms without a sign of life a worker is dead, 3 how many ms a dead letter is
--          kept, 4 for how many ms after this no other worker need do the same

local namespace, queue_name, silence_ms, dead_letter_ttl_ms = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if not redis.call("set", namespace .. ":__recovery__." .. queue_name, "", "nx", "px", ARGV[4]) then
    return
end

local time = redis.call("time")
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)

local queue = namespace .. ":" .. queue_name
local heartbeats = namespace .. ":__heartbeats__"

local function bring_back(message_id)
    if redis.call("hexists", queue .. ".msgs", message_id) == 1 then
        redis.call("rpush", queue, message_id)
    end
end

for _, worker_id in ipairs(redis.call("zrangebyscore", heartbeats, 0, now_ms - silence_ms)) do
    local acks = namespace .. ":__acks__." .. worker_id .. "." .. queue_name
    for _, message_id in ipairs(redis.call("smembers", acks)) do
        bring_back(message_id)
    end
    for _, message_id in ipairs(redis.call("lrange", acks .. ".aside", 0, -1)) do
        bring_back(message_id)
    end
    redis.call("del", acks, acks .. ".aside")
end
-- A worker that worked for other queues may have left messages there: it is remembered as long as dead letters are.
redis.call("zremrangebyscore", heartbeats, 0, now_ms - dead_letter_ttl_ms)

local dead_letters = queue .. ".XQ"
for _, message_id in ipairs(redis.call("zrangebyscore", dead_letters, 0, now_ms - dead_letter_ttl_ms, "limit", 0, 1000)) do
    redis.call("zrem", dead_letters, message_id)
    redis.call("hdel", dead_letters .. ".msgs", message_id)
end
