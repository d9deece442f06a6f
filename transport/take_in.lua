-- Takes a burst of requests in: enqueues the admitted ones, in the layout of Dramatiq's dispatch.lua, keeps and
-- publishes the answers of the refused ones, and publishes an event for each. All in one step, and once: whoever calls
-- again because the answer was lost, or takes over from one that died, changes nothing by it.
--
-- KEYS[1]  the namespace
-- ARGV     what is named below first, in the order of `Origin.words`; then for each request how many words follow for
--          it, its entry id in the stream or "", and
--          "message", event, queue name, redis message id, message, task type, user, claim key or "", its time to live in
--          s, key of the outcome, how many channels hear of a repeat, these channels; or
--          "answer", event, and the answer, see answer.lua; or
--          "shed", event, key of the outcome or "", and the answer, for one that finds no room; or
--          "later", requests that are to wait, packed
-- Returns  "deposed" when somebody else holds the lease or has taken in a part of the burst, else three lists: queue
--          names, each with how many messages it has, and the stream for requests that are to wait, if one was named, with
--          how many entries it has; the requests that were not taken in, since Redis refused what they need: the index of
--          each, and Redis's words; and the indices of those whose entry was taken in before.

local namespace = KEYS[1]
-- The lease and the token that it has to hold; "" where any replica may take requests in.
local lease_key, lease_token = ARGV[1], ARGV[2]
-- How far the channel is taken in with this burst, or "": markers, each with how many requests after it. How many after
-- the first of them were taken in before. For how many s to keep that.
local position_key, position, before, position_ttl_s = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
-- Whether Redis is out of memory; then this burst holds answers only.
local out_of_memory = ARGV[7] == "no memory"
-- Whether others send the same requests, and each is to have one answer at most.
local once = ARGV[8] == "once"
-- Where the entries are acknowledged that requests came in, or "".
local stream, group = ARGV[9], ARGV[10]
-- The stream for requests that are to wait, or "".
local later = ARGV[11]
local events_channel = ARGV[12]
-- From how many messages on a queue the next ones wait in lanes, see turns.lua.
local fair_backlog = tonumber(ARGV[13])
local first_request = 14

-- Whether Redis has taken a write. Out of memory, or as a replica, it refuses the first one of a script. From then on
-- what goes wrong concerns one request.
local has_written = false

-- Where there are more, all but those of this burst are forgotten: they are of ingresses that started long ago.
local most_markers = 1000

-- Keeps the position. Returns "known" when Redis has this one or a later one already, so that the burst is one that came
-- before: again after a connection that was given up, or from a replica that lags behind. And "deposed" when a part of
-- the burst was taken in: of what only some replicas have heard, not all have heard as much.
local function keep_position()
    local words = {}
    for word in string.gmatch(position, "%S+") do
        words[#words + 1] = word
    end
    local marker, count = words[#words - 1], words[#words]
    local first_known, known = unpack(redis.call("hmget", position_key, words[1], marker))
    if known and tonumber(known) >= tonumber(count) then
        return "known"
    end
    if first_known and tonumber(first_known) > before then
        return "deposed"
    end
    if lease_key ~= "" then
        words[#words + 1] = "last" -- `LAST_MARKER` in arrivals.py
        words[#words + 1] = marker
    end
    if out_of_memory then
        -- Removes nothing, and is only there to be first: out of memory Redis refuses a script's first write if that may take
        -- memory, and no later one.
        redis.call("hdel", position_key, "")
    end
    if redis.call("hset", position_key, unpack(words)) > 0 and redis.call("hlen", position_key) > most_markers then
        redis.call("del", position_key)
        redis.call("hset", position_key, unpack(words))
    end
    redis.call("expire", position_key, position_ttl_s)
    has_written = true
end

if lease_key ~= "" and redis.call("get", lease_key) ~= lease_token then
    return "deposed"
end
local obstacle = position_key ~= "" and keep_position()
if obstacle == "known" then
    return {{}, {}, {}}
elseif obstacle == "deposed" then
    return obstacle
end

-- The queues that have got something, by their names.
local filled = {}
-- The requests that were not taken in: the index of each in the burst, and why.
local problems = {}
-- The indices of those that somebody else has taken in.
local gone = {}

-- An error is a table since Redis 7, and a text before.
local function words_of(problem)
    return type(problem) == "table" and problem.err or tostring(problem)
end

-- On so many channels, besides the results, repeats of one request are answered when it ends; those of more are
-- answered there only. Redis does nothing else while it publishes on them.
local most_waiting = 32

-- A request with an id that was used before. If that one is done, its outcome is published again; else it will be.
local function answer_repeat(claim, outcome_key, first_channel, last_channel)
    local outcome = redis.call("get", outcome_key)
    if outcome then
        publish_all(replayed(outcome), first_channel, last_channel)
        return
    end
    local waiting = waiting_key(claim)
    for c = first_channel + 1, last_channel do
        if redis.call("scard", waiting) < most_waiting then
            redis.call("sadd", waiting, ARGV[c])
            redis.call("expire", waiting, redis.call("ttl", claim))
        end
    end
end

-- From ARGV[i] on: queue name, redis message id, message, task type, user.
local function put_on_queue(i, claim)
    local queue_name, message_id = ARGV[i], ARGV[i + 1]
    local queue = namespace .. ":" .. queue_name
    local is_enqueued, problem = pcall(enqueue, queue, message_id, ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], fair_backlog)
    if not is_enqueued then
        redis.pcall("hdel", queue .. ".msgs", message_id)
        if claim ~= "" then
            redis.call("del", claim)
        end
        error(problem, 0)
    end
    filled[queue_name] = true
end

local function take_message(i, event)
    local message_id = ARGV[i + 1]
    local claim, claim_ttl_s, outcome_key = ARGV[i + 5], ARGV[i + 6], ARGV[i + 7]
    local first_channel, last_channel = i + 9, i + 8 + tonumber(ARGV[i + 8])
    if once and redis.call("exists", outcome_key) == 1 then
        return
    end
    if claim == "" or redis.call("set", claim, message_id, "nx", "ex", claim_ttl_s) then
        if claim ~= "" then
            redis.call("del", outcome_key) -- the refusal of a request with the same id, corrected now
        end
        put_on_queue(i, claim)
        publish_event(events_channel, event)
    elseif redis.call("get", claim) ~= message_id then
        answer_repeat(claim, outcome_key, first_channel, last_channel)
    end
end

-- The answer is in ARGV from ARGV[i] on.
local function take_answer(i, event)
    local outcome, claim, first_key, first_channel, last_channel = read_answer(i)
    if once and first_key < first_channel and redis.call("exists", ARGV[first_key]) == 1 then
        return
    end
    -- The outcome of the request that has claimed this id is not to be overwritten.
    if claim == "" or redis.call("exists", claim) == 0 then
        keep(outcome, first_key, first_channel - 1)
    end
    -- First, as in complete.lua.
    publish_event(events_channel, event)
    publish_all(outcome, first_channel, last_channel)
end

-- The answer of a request that finds no room; but a repeat of one that was taken in before needs none.
local function take_shed(i, event)
    local outcome_key = ARGV[i]
    local _, claim, _, first_channel, last_channel = read_answer(i + 1)
    if outcome_key == "" or redis.call("exists", claim) == 0 then
        take_answer(i + 1, event)
    elseif not once then
        answer_repeat(claim, outcome_key, first_channel, last_channel)
    end
end

-- Requests that are to wait share an entry, to be read and acknowledged together.
local function take_later(_, packed)
    redis.call("xadd", later, "*", "requests", packed)
end

local take = {message = take_message, answer = take_answer, shed = take_shed, later = take_later}

-- By entry id, whether nobody has taken it in before: several requests may have come in one entry.
local is_new = {}

-- Ends an entry. It was still to be acknowledged if the group has read it, even if it was trimmed since; and still to be
-- deleted if the group has not, see tasks_stream.py.
local function end_entry(entry_id)
    local is_acknowledged = redis.call("xack", stream, group, entry_id) == 1
    has_written = true
    local is_deleted = redis.call("xdel", stream, entry_id) == 1
    return is_acknowledged or is_deleted
end

-- From ARGV[i] on: entry id, kind, and what follows for this kind.
local function take_in(i, index)
    local entry_id, kind = ARGV[i], ARGV[i + 1]
    if entry_id ~= "" and is_new[entry_id] == nil then
        is_new[entry_id] = end_entry(entry_id)
    end
    if is_new[entry_id] ~= false then
        take[kind](i + 3, ARGV[i + 2])
    else
        gone[#gone + 1] = index
    end
end

local index = 0
local i = first_request
while i <= #ARGV do
    local how_many_words = tonumber(ARGV[i])
    -- Nothing that is done is undone when a script fails: so one request's error is not to be the end of the others.
    local is_taken, problem = pcall(take_in, i + 1, index)
    local text = not is_taken and words_of(problem)
    if is_taken then
        has_written = true
    elseif has_written or string.find(text, "WRONGTYPE") or string.find(text, "NOPERM") then
        problems[#problems + 1] = index
        problems[#problems + 1] = text
    else
        return redis.error_reply(text)
    end
    index = index + 1
    i = i + 1 + how_many_words
end

local lengths = {}
for queue_name in pairs(filled) do
    lengths[#lengths + 1] = queue_name
    lengths[#lengths + 1] = redis.call("hlen", namespace .. ":" .. queue_name .. ".msgs")
end
if later ~= "" then
    local entries = redis.pcall("xlen", later)
    lengths[#lengths + 1] = later
    lengths[#lengths + 1] = type(entries) == "number" and entries or 0
end
return {lengths, problems, gone}
