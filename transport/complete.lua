-- Takes messages off their queue, in the layout of Dramatiq's dispatch.lua, and in the same step enqueues what follows
-- each and keeps and publishes its outcome: exactly when the message was still this worker's, so that nothing is lost
-- in between and no outcome is published twice. Publishes the events of those messages, and of those that still run.
--
-- KEYS[1]  the namespace
-- ARGV     1 worker id, 2 the events channel, 3 from how many messages on a queue the next ones wait in lanes; then for
--          each message how many words follow for it, queue name, redis message id, its fate ("done", "dead" when it
--          becomes a dead letter, or "running"), how many events, the events; and unless its fate is "running" its end:
--          "suspect" when it is one or ""; what to keep of a dead one or "" for the message as it is; queue name, redis
--          message id, message, task type and user of its successor or five times ""; and its answer, see answer.lua

local namespace, worker_id, events_channel, fair_backlog = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local first_message = 4

local function publish_events(first_event, last_event)
    for e = first_event, last_event do
        publish_event(events_channel, ARGV[e])
    end
end

local function bury(queue_name, message_id, letter)
    local message = redis.call("hget", namespace .. ":" .. queue_name .. ".msgs", message_id)
    if message then
        -- A delay queue has no dead letters of its own: they go to those of the queue it delays for.
        local dead_letters = namespace .. ":" .. string.gsub(queue_name, "%.DQ$", "") .. ".XQ"
        redis.call("zadd", dead_letters, now_ms(), message_id)
        redis.call("hset", dead_letters .. ".msgs", message_id, letter ~= "" and letter or message)
    end
end

-- Its end is in ARGV from ARGV[i] on; `undo` as in `send_answer`.
local function finish(queue_name, message_id, is_dead, i, undo)
    local is_suspect, letter = ARGV[i] == "suspect", ARGV[i + 1]
    local next_queue_name, next_id, next_message = ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
    local next_task_type, next_user = ARGV[i + 5], ARGV[i + 6]
    local queue = namespace .. ":" .. queue_name
    send_answer(i + 7, undo)
    if is_dead then
        bury(queue_name, message_id, letter)
    end
    redis.call("hdel", queue .. ".msgs", message_id)
    if is_suspect then
        redis.call("hdel", queue .. ".suspects", message_id)
    end
    if next_id ~= "" then
        local next_queue = namespace .. ":" .. next_queue_name
        enqueue(next_queue, next_id, next_message, next_task_type, next_user, fair_backlog)
    end
end

local ended_in = {}
local i = first_message
while i <= #ARGV do
    local how_many_words, queue_name, message_id, fate = tonumber(ARGV[i]), ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
    local first_event, last_event = i + 5, i + 4 + tonumber(ARGV[i + 4])
    local acks = namespace .. ":__acks__." .. worker_id .. "." .. queue_name
    if fate == "running" then
        if redis.call("sismember", acks, message_id) == 1 then
            publish_events(first_event, last_event)
        end
    else
        ended_in[queue_name] = true
        if redis.call("srem", acks, message_id) == 1 then
            -- First, so that whoever hears the outcome has heard what came before it.
            publish_events(first_event, last_event)
            finish(queue_name, message_id, fate == "dead", last_event + 1, function()
                redis.call("sadd", acks, message_id)
            end)
        end
    end
    i = i + 1 + how_many_words
end

-- Whoever has ended messages of a queue looks for more of them.
for queue_name in pairs(ended_in) do
    show_next(namespace .. ":" .. queue_name)
end
