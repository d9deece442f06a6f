-- Takes messages off their queue, in the layout of Dramatiq's dispatch.lua, and in the same step enqueues what follows
-- each and keeps and publishes its outcome: exactly when the message was still this worker's, so that nothing is lost
-- in between and no outcome is published twice.
--
-- KEYS[1]  the namespace
-- ARGV     1 worker id, then for each message: queue name, redis message id, "dead" to make it a dead letter or "",
--          "suspect" when it is one or "", what to keep of a dead one or "" for the message as it is, queue name, redis
--          message id and message of its successor or three times "", outcome, key of the claim of its request or "",
--          how many keys to keep it at, on how many channels to publish it, the keys each with its time to live in s,
--          the channels

local namespace, worker_id = KEYS[1], ARGV[1]

local function bury(queue_name, message_id, messages, letter)
    -- A delay queue has no dead letters of its own: they go to those of the queue it delays for.
    local dead_letters = namespace .. ":" .. string.gsub(queue_name, "%.DQ$", "") .. ".XQ"
    local message = redis.call("hget", messages, message_id)
    if message then
        local time = redis.call("time")
        redis.call("zadd", dead_letters, time[1] * 1000 + math.floor(time[2] / 1000), message_id)
        redis.call("hset", dead_letters .. ".msgs", message_id, letter ~= "" and letter or message)
    end
end

-- Those that sent the same request again while it was under way, and want the answer on yet another channel.
local function answer_repeats(waiting, outcome, first_channel, last_channel)
    for c = first_channel, last_channel do
        redis.call("srem", waiting, ARGV[c])
    end
    for _, channel in ipairs(redis.call("smembers", waiting)) do
        redis.call("publish", channel, string.sub(outcome, 1, -2) .. ',"replayed":true}')
    end
    redis.call("del", waiting)
end

local i = 2
while i <= #ARGV do
    local queue_name, message_id, fate = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    local next_queue_name, next_id, next_message = ARGV[i + 5], ARGV[i + 6], ARGV[i + 7]
    local outcome, claim = ARGV[i + 8], ARGV[i + 9]
    local last_key = i + 11 + 2 * tonumber(ARGV[i + 10])
    local last_channel = last_key + tonumber(ARGV[i + 11])
    local acks = namespace .. ":__acks__." .. worker_id .. "." .. queue_name
    local messages = namespace .. ":" .. queue_name .. ".msgs"
    if redis.call("srem", acks, message_id) == 1 then
        if fate == "dead" then
            bury(queue_name, message_id, messages, ARGV[i + 4])
        end
        redis.call("hdel", messages, message_id)
        if ARGV[i + 3] == "suspect" then
            redis.call("hdel", namespace .. ":" .. queue_name .. ".suspects", message_id)
        end
        if next_id ~= "" then
            local next_queue = namespace .. ":" .. next_queue_name
            redis.call("hset", next_queue .. ".msgs", next_id, next_message)
            redis.call("rpush", next_queue, next_id)
        end
        for k = i + 12, last_key, 2 do
            redis.call("set", ARGV[k], outcome, "ex", ARGV[k + 1])
        end
        for c = last_key + 1, last_channel do
            redis.call("publish", ARGV[c], outcome)
        end
        if claim ~= "" then
            answer_repeats(claim .. ":waiting", outcome, last_key + 1, last_channel)
        end
    end
    i = last_channel + 1
end
