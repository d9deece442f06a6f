-- No script by itself: what others that end a message begin with.

-- Those that sent the same request again while it was under way, and want the answer on yet another channel.
local function answer_repeats(waiting, outcome, first_channel, last_channel)
    for c = first_channel, last_channel do
        redis.call("srem", waiting, ARGV[c])
    end
    local channels = redis.call("smembers", waiting)
    local replayed = #channels > 0 and string.sub(outcome, 1, -2) .. ',"replayed":true}'
    for _, channel in ipairs(channels) do
        redis.pcall("publish", channel, replayed)
    end
    redis.call("del", waiting)
end

-- Publishes on the results channel, which comes first, and on the one that the request has named: a channel that this
-- user of Redis may not publish on is nobody else's concern.
local function publish_all(outcome, first_channel, last_channel)
    for c = first_channel, last_channel do
        local publish = c == first_channel and redis.call or redis.pcall
        publish("publish", ARGV[c], outcome)
    end
end

-- Publishes an event: what somebody's rights do not let him tell is no reason to do without the task.
local function tell(events_channel, event)
    redis.pcall("publish", events_channel, event)
end

local function keep_and_publish(outcome, first_key, last_key, last_channel)
    for k = first_key, last_key, 2 do
        redis.call("set", ARGV[k], outcome, "ex", ARGV[k + 1])
    end
    publish_all(outcome, last_key + 1, last_channel)
end

-- Keeps and publishes an outcome. From ARGV[i] on: the outcome, key of the claim of its request or "", how many keys to
-- keep it at, on how many channels to publish it, the keys each with its time to live in s, the channels.
--
-- Where Redis refuses that, as when a right was taken from its user, the script fails, and Redis undoes nothing by
-- itself: so `undo` is called, after which the message is there again.
local function send_answer(i, undo)
    local outcome, claim = ARGV[i], ARGV[i + 1]
    local last_key = i + 3 + 2 * tonumber(ARGV[i + 2])
    local last_channel = last_key + tonumber(ARGV[i + 3])
    local is_sent, problem = pcall(keep_and_publish, outcome, i + 4, last_key, last_channel)
    if not is_sent then
        undo()
        error(problem, 0)
    end
    if claim ~= "" then
        -- A request id has no space, so that this is the key of no claim.
        -- The outcome is published by now: what goes wrong here is no reason not to end the message.
        pcall(answer_repeats, claim .. " waiting", outcome, last_key + 1, last_channel)
    end
end
