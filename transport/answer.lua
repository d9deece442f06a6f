-- No script by itself: functions of those that keep and publish the answer of a request.

-- Reads an answer in ARGV, from ARGV[i] on, in the order of `Answer.words`: the outcome, the key of the claim of its
-- request or "", how many keys to keep it at, how many channels to publish it on, the keys each with its time to live
-- in s, the channels, of which the results channel is the first. Returns the outcome, the claim, and where in ARGV the
-- keys begin, the channels begin, and the channels end.
local function read_answer(i)
    local first_key = i + 4
    local first_channel = first_key + 2 * tonumber(ARGV[i + 2])
    return ARGV[i], ARGV[i + 1], first_key, first_channel, first_channel + tonumber(ARGV[i + 3]) - 1
end

-- The set of channels on which repeats of a request want their answer. A request id has no space: so this is the key of
-- no claim.
local function waiting_key(claim)
    return claim .. " waiting"
end

-- An outcome as a repeat of its request is answered with it.
local function replayed(outcome)
    return string.sub(outcome, 1, -2) .. ',"replayed":true}'
end

-- Answers the repeats that came while the request was under way and named yet another channel.
local function answer_repeats(outcome, claim, first_channel, last_channel)
    local waiting = waiting_key(claim)
    for c = first_channel, last_channel do
        redis.call("srem", waiting, ARGV[c])
    end
    local channels = redis.call("smembers", waiting)
    local again = #channels > 0 and replayed(outcome)
    for _, channel in ipairs(channels) do
        redis.pcall("publish", channel, again)
    end
    redis.call("del", waiting)
end

local function keep(outcome, first_key, last_key)
    for k = first_key, last_key, 2 do
        redis.call("set", ARGV[k], outcome, "ex", ARGV[k + 1])
    end
end

-- Publishes on the results channel, which comes first, and on the one that the request has named. That this user of
-- Redis may not publish on the latter is nobody else's concern.
local function publish_all(outcome, first_channel, last_channel)
    for c = first_channel, last_channel do
        local publish = c == first_channel and redis.call or redis.pcall
        publish("publish", ARGV[c], outcome)
    end
end

-- That this user of Redis may not publish events is no reason to do without the task.
local function publish_event(events_channel, event)
    redis.pcall("publish", events_channel, event)
end

local function keep_and_publish(outcome, first_key, first_channel, last_channel)
    keep(outcome, first_key, first_channel - 1)
    publish_all(outcome, first_channel, last_channel)
end

-- Keeps and publishes the answer in ARGV from ARGV[i] on.
--
-- Where Redis refuses that, as when a right was taken from its user, the script fails, and Redis undoes nothing by
-- itself: so `undo` is called, after which the message is there again.
local function send_answer(i, undo)
    local outcome, claim, first_key, first_channel, last_channel = read_answer(i)
    local is_sent, problem = pcall(keep_and_publish, outcome, first_key, first_channel, last_channel)
    if not is_sent then
        undo()
        error(problem, 0)
    end
    if claim ~= "" then
        -- The outcome is published by now: what goes wrong here is no reason not to end the message.
        pcall(answer_repeats, outcome, claim, first_channel, last_channel)
    end
end
