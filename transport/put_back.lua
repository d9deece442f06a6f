-- Puts messages that a worker has fetched and that are not in its hands back on their queue: what a stopping worker has
-- not begun, what a lost connection has swallowed, delayed messages that Dramatiq's consumer thread has forgotten.
--
-- Earlier questions of the worker may be with Redis still, on a connection that only Redis believes to be there, and
-- get a message that nobody would hear of. So a new generation begins here, and fetch.lua answers those of an older one
-- with nothing.
--
-- KEYS[1]  the namespace
-- ARGV     1 queue name, 2 worker id, 3 the new generation, 4 how long to remember it in s, then the redis message ids
--          that are in its hands; "" and behind it those that were in its hands and are not any more, so that suspects
--          among them were not begun after all
-- Returns  1 where there was an older generation, of which questions may be with Redis.

local namespace, queue_name, worker_id, generation, remembered_s = KEYS[1], unpack(ARGV, 1, 4)
local first_id = 5

local queue = namespace .. ":" .. queue_name
local suspects = queue .. ".suspects"
local holder = worker_id .. "." .. queue_name
local acks, aside_key = namespace .. ":__acks__." .. holder, namespace .. ":__aside__." .. holder
local generation_key = namespace .. ":__generation__." .. holder

-- If the worker has begun a later generation by now, this one comes late, on a connection that was given up.
local current = redis.call("get", generation_key)
if current and tonumber(current) > tonumber(generation) then
    return
end

local in_hand, let_go = {}, {}
local ids = in_hand
for i = first_id, #ARGV do
    if ARGV[i] == "" then
        ids = let_go
    else
        ids[ARGV[i]] = true
    end
end

-- Only for what is still this worker's, and never below the one time that has made it a suspect: those that take this
-- worker for dead may have brought the message back meanwhile.
local function uncount_beginning(message_id)
    local begun = redis.call("hget", suspects, message_id)
    if begun and tonumber(begun) > 1 then
        redis.call("hincrby", suspects, message_id, -1)
    end
end

-- Out of memory Redis refuses a script's first write if that may take memory, and no later one: first what takes none.
local aside = redis.call("lrange", aside_key, 0, -1)
redis.call("del", aside_key)

-- To the head: they were the next ones before, and are so again.
for _, message_id in ipairs(redis.call("smembers", acks)) do
    if not in_hand[message_id] then
        redis.call("srem", acks, message_id)
        if let_go[message_id] then
            uncount_beginning(message_id)
        end
        if redis.call("hexists", queue .. ".msgs", message_id) == 1 then
            redis.call("lpush", queue, message_id)
        end
    end
end
for _, message_id in ipairs(aside) do
    redis.call("lpush", queue, message_id)
end
redis.call("set", generation_key, generation, "ex", remembered_s)
show_next(queue)
return current and 1 or 0
