-- Takes a burst of requests in: enqueues the admitted ones, in the layout of Dramatiq's dispatch.lua, keeps and publishes
-- the answers of the refused ones, and publishes an event for each. All in one step, and once: whoever calls again because
-- the answer was lost, or takes over from one that died, changes nothing by it.
--
-- KEYS[1]  the namespace
-- ARGV     1 lease key or "", 2 the token that it has to hold; 3 key of the position in the channel or "", 4 markers, each
--          with how many requests after it are taken in with this burst, 5 how long to keep that in s; 6 "full" when Redis
--          is out of memory and this burst holds answers only, else ""; 7 "once" when others send the same requests and
--          each is to have one answer at most, else ""; 8 stream or "", 9 its consumer group; 10 stream for requests that
--          are to wait or ""; 11 the events channel; 12 from how many messages on a queue the next ones wait in lanes
--          then for each request how many words follow for it, its entry id in the stream or "", and
--          "message", event, queue name, redis message id, message, task type, user, claim key or "", its time to live in
--          s, key of the outcome, how many channels hear of a repeat, these channels; or
--          "answer", event, outcome, claim key or "", how many keys, how many channels, the keys each with its time to
--          live in s, the channels; or
--          "shed", event, key of the outcome or "", and the same from the outcome on, for one that finds no room; or
--          "later", how many requests, these, packed
-- Returns  "deposed" when somebody else holds the lease, else two lists: queue names, each with how many messages it has,
--          and the stream for requests that are to wait, if one was named, with how many it has at most; and the requests
--          that were not taken in, since Redis refused what they need: the number of each, and Redis's words.

local namespace, stream, group, later = KEYS[1], ARGV[8], ARGV[9], ARGV[10]
local once, events_channel, front = ARGV[7] == "once", ARGV[11], tonumber(ARGV[12])
local first_request = 13

-- Out of memory, or as a replica, Redis refuses a script's first write. From then on what goes wrong concerns one request.
local has_written = false

-- More of them are forgotten: they are of ingresses that started long ago.
local most_markers = 1000

-- Keeps how far the channel is taken in; returns whether it was already, so that this burst is one that came before.
local function keep_position(key, position, has_lease)
    local words = {}
    for word in string.gmatch(position, "%S+") do
        words[#words + 1] = word
    end
    local marker, count = words[#words - 1], words[#words]
    local known = redis.call("hmget", key, marker)[1]
    -- More is known when this burst comes late, after a connection that was given up, or from one that lags behind.
    if known and tonumber(known) >= tonumber(count) then
        return true
    end
    if has_lease then
        words[#words + 1] = "last" -- `LAST_MARKER` in arrivals.py
        words[#words + 1] = marker
    end
    if ARGV[6] == "full" then
        -- Out of memory it refuses the first one only if that may take memory, and no later one.
        redis.call("hdel", key, "")
    end
    if redis.call("hset", key, unpack(words)) > 0 and redis.call("hlen", key) > most_markers then
        redis.call("del", key)
        redis.call("hset", key, unpack(words))
    end
    redis.call("expire", key, ARGV[5])
    has_written = true
    return false
end

if ARGV[1] ~= "" and redis.call("get", ARGV[1]) ~= ARGV[2] then
    return "deposed"
end
if ARGV[3] ~= "" and keep_position(ARGV[3], ARGV[4], ARGV[1] ~= "") then
    return {{}, {}}
end

local seen = {}
local problems = {}

-- An error is a table since Redis 7, and a text before.
local function words_of(problem)
    return type(problem) == "table" and problem.err or tostring(problem)
end

local function note_problem(number, text)
    problems[#problems + 1] = number
    problems[#problems + 1] = text
end

-- On so many channels, besides the results, repeats of one request are answered when it ends; those of more are
-- answered there only. Redis does nothing else while it publishes on them.
local most_waiting = 32

-- A request with an id that was used before. Is it done, its outcome is published again; else it will be.
local function repeated(claim, outcome_key, first_channel, last_channel)
    local outcome = redis.call("get", outcome_key)
    if outcome then
        publish_all(string.sub(outcome, 1, -2) .. ',"replayed":true}', first_channel, last_channel)
        return
    end
    local waiting = claim .. " waiting" -- as in answer.lua
    for c = first_channel + 1, last_channel do
        if redis.call("scard", waiting) < most_waiting then
            redis.call("sadd", waiting, ARGV[c])
            redis.call("expire", waiting, redis.call("ttl", claim))
        end
    end
end

local function put_on_queue(i, claim)
    local queue, message_id = namespace .. ":" .. ARGV[i], ARGV[i + 1]
    local is_enqueued, problem = pcall(enqueue, queue, message_id, ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], front)
    if not is_enqueued then
        redis.pcall("hdel", queue .. ".msgs", message_id)
        if claim ~= "" then
            redis.call("del", claim)
        end
        error(problem, 0)
    end
    seen[ARGV[i]] = true
end

local function take_message(i, event)
    local message_id, claim, outcome_key = ARGV[i + 1], ARGV[i + 5], ARGV[i + 7]
    local last_channel = i + 8 + tonumber(ARGV[i + 8])
    if once and redis.call("exists", outcome_key) == 1 then
        return
    end
    if claim == "" or redis.call("set", claim, message_id, "nx", "ex", ARGV[i + 6]) then
        if claim ~= "" then
            redis.call("del", outcome_key) -- the refusal of a request with the same id, corrected now
        end
        put_on_queue(i, claim)
        tell(events_channel, event)
    elseif redis.call("get", claim) ~= message_id then
        repeated(claim, outcome_key, i + 9, last_channel)
    end
end

local function take_answer(i, event)
    local claim = ARGV[i + 1]
    local last_key = i + 3 + 2 * tonumber(ARGV[i + 2])
    local last_channel = last_key + tonumber(ARGV[i + 3])
    if once and last_key > i + 3 and redis.call("exists", ARGV[i + 4]) == 1 then
        return
    end
    -- The outcome of the request that has claimed this id is not to be overwritten.
    if claim == "" or redis.call("exists", claim) == 0 then
        for k = i + 4, last_key, 2 do
            redis.call("set", ARGV[k], ARGV[i], "ex", ARGV[k + 1])
        end
    end
    -- First, as in complete.lua.
    tell(events_channel, event)
    publish_all(ARGV[i], last_key + 1, last_channel)
end

-- One that was taken in before needs no room.
local function take_shed(i, event)
    local outcome_key, claim = ARGV[i], ARGV[i + 2]
    if outcome_key == "" or redis.call("exists", claim) == 0 then
        take_answer(i + 1, event)
    elseif not once then
        local last_key = i + 4 + 2 * tonumber(ARGV[i + 3])
        repeated(claim, outcome_key, last_key + 1, last_key + tonumber(ARGV[i + 4]))
    end
end

-- Requests that are to wait share an entry, to be read and acknowledged together: as many as Redis can well take in at
-- once, and no fewer than come together in ARGV (`TOGETHER` in arrivals.py).
local most_together = 256
local together, how_many, numbers = {}, 0, {}

local function add_entry()
    if how_many > 0 then
        local entry_id = redis.pcall("xadd", later, "*", "requests", table.concat(together))
        if type(entry_id) == "table" then
            for _, number in ipairs(numbers) do
                note_problem(number, entry_id.err)
            end
        end
        together, how_many, numbers = {}, 0, {}
    end
end

local function take_later(i, count, number)
    if how_many + count > most_together then
        add_entry()
    end
    together[#together + 1] = ARGV[i]
    how_many = how_many + count
    numbers[#numbers + 1] = number
end

local take = {message = take_message, answer = take_answer, shed = take_shed, later = take_later}

-- Whether each entry that requests came in is still there: several may have come in one.
local is_pending = {}

local function take_in(i, number)
    local entry_id, kind = ARGV[i], ARGV[i + 1]
    if entry_id ~= "" and is_pending[entry_id] == nil then
        is_pending[entry_id] = redis.call("xack", stream, group, entry_id) == 1
        has_written = true
        redis.call("xdel", stream, entry_id)
    end
    if is_pending[entry_id] ~= false then
        take[kind](i + 3, ARGV[i + 2], number)
    end
end

local number = 0
local i = first_request
while i <= #ARGV do
    -- Nothing that is done is undone when a script fails: so one request's error is not to be the end of the others.
    local is_taken, problem = pcall(take_in, i + 1, number)
    local text = not is_taken and words_of(problem)
    if is_taken then
        has_written = true
    elseif has_written or string.find(text, "WRONGTYPE") or string.find(text, "NOPERM") then
        note_problem(number, text)
    else
        return redis.error_reply(text)
    end
    number = number + 1
    i = i + 1 + tonumber(ARGV[i])
end
add_entry()

local lengths = {}
for queue_name in pairs(seen) do
    lengths[#lengths + 1] = queue_name
    lengths[#lengths + 1] = redis.call("hlen", namespace .. ":" .. queue_name .. ".msgs")
end
if later ~= "" then
    local entries = redis.pcall("xlen", later)
    lengths[#lengths + 1] = later
    lengths[#lengths + 1] = type(entries) == "number" and entries * most_together or 0
end
return {lengths, problems}
