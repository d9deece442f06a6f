-- Takes messages off their queue, in the layout of Dramatiq's dispatch.lua, and in the same step enqueues what follows
-- each and keeps and publishes its outcome: exactly when the message was still this worker's, so that nothing is lost
-- in between and no outcome is published twice. Publishes the events of those messages, and of those that still run.
--
-- KEYS[1]  the namespace
-- ARGV     1 worker id, 2 the events channel, 3 from how many messages on a queue the next ones wait in lanes, then for
--          each message: how many words follow for it, queue name, redis message id, its fate ("done", "dead" when it
--          becomes a dead letter, or "running"), how many events, the events; and unless its fate is "running": "suspect"
--          when it is one or "", what to keep of a dead one or "" for the message as it is, queue name, redis message id,
--          message, task type and user of its successor or five times "", and its answer, see answer.lua

local namespace, worker_id, events_channel, front = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])

local function tell_all(first_event, last_event)
    for e = first_event, last_event do
        tell(events_channel, ARGV[e])
    end
end

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

-- From ARGV[i] on: what stands behind the events.
local function finish(queue_name, message_id, is_dead, i, undo)
    send_answer(i + 7, undo)
    local messages = namespace .. ":" .. queue_name .. ".msgs"
    if is_dead then
        bury(queue_name, message_id, messages, ARGV[i + 1])
    end
    redis.call("hdel", messages, message_id)
    if ARGV[i] == "suspect" then
        redis.call("hdel", namespace .. ":" .. queue_name .. ".suspects", message_id)
    end
    local next_queue_name, next_id, next_message = ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
    if next_id ~= "" then
        enqueue(namespace .. ":" .. next_queue_name, next_id, next_message, ARGV[i + 5], ARGV[i + 6], front)
    end
end

local ended_in = {}
local i = 4
while i <= #ARGV do
    local queue_name, message_id, fate = ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    local acks = namespace .. ":__acks__." .. worker_id .. "." .. queue_name
    local last_event = i + 4 + tonumber(ARGV[i + 4])
    if fate == "running" then
        if redis.call("sismember", acks, message_id) == 1 then
            tell_all(i + 5, last_event)
        end
    else
        ended_in[queue_name] = true
        if redis.call("srem", acks, message_id) == 1 then
            -- First, so that whoever hears the outcome has heard what came before it.
            tell_all(i + 5, last_event)
            finish(queue_name, message_id, fate == "dead", last_event + 1, function()
                redis.call("sadd", acks, message_id)
            end)
        end
    end
    i = i + 1 + tonumber(ARGV[i])
end

-- Whoever has ended messages of a queue looks for more of them.
for queue_name in pairs(ended_in) do
    show_next(namespace .. ":" .. queue_name)
end
