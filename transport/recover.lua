-- Brings back to a queue what died with its workers. Dramatiq's own maintenance is not used: it asks with KEYS, and so
-- reads every key of this Redis.
--
-- A message that was in the hands of a dead worker is a suspect from then on: it may be what has killed it. One that
-- was begun too often is condemned: whoever fetches it ends it, see suspects.py. It goes back to the queue like the
-- others, and not to the caller: until it is ended, it is where somebody finds it.
--
-- KEYS[1]  the namespace
-- ARGV     1 queue name, 2 how often a message may be begun, then the ids of the dead workers

local namespace, queue_name, max_begun = KEYS[1], ARGV[1], tonumber(ARGV[2])
local first_worker = 3

local queue = namespace .. ":" .. queue_name
local suspects = queue .. ".suspects"
local may_kill = string.sub(queue_name, -3) ~= ".DQ" -- a delayed message is not performed while it waits
local condemned = -1 -- `CONDEMNED` in feed.py
local remembered_ms = 7 * 24 * 3600 * 1000 -- a stock worker that ends a suspect does not take it off the list

local function suspect(message_id)
    local begun = redis.call("hget", suspects, message_id)
    if not begun then
        redis.call("hset", suspects, message_id, 1)
    elseif tonumber(begun) < 1 or tonumber(begun) >= max_begun then
        redis.call("hset", suspects, message_id, condemned)
    end
end

local function bring_back(message_id)
    if redis.call("hexists", queue .. ".msgs", message_id) == 1 then
        if may_kill then
            suspect(message_id)
        end
        -- To the head: it was to be the next one before, and has waited long enough.
        redis.call("lpush", queue, message_id)
    end
end

-- What each of the workers had in its hands, and what was put aside for it. Nearly always nothing is left there.
local keys = {}
for w = first_worker, #ARGV do
    local holder = ARGV[w] .. "." .. queue_name
    keys[#keys + 1] = namespace .. ":__acks__." .. holder
    keys[#keys + 1] = namespace .. ":__aside__." .. holder
end
if redis.call("exists", unpack(keys)) == 0 then
    return
end

-- Removes nothing, and is only there to be first: out of memory Redis refuses a script's first write if that may take
-- memory, and no later one.
redis.call("hdel", suspects, "")
for k = 1, #keys, 2 do
    for _, message_id in ipairs(redis.call("smembers", keys[k])) do
        bring_back(message_id)
    end
    for _, message_id in ipairs(redis.call("lrange", keys[k + 1], 0, -1)) do
        bring_back(message_id)
    end
end
redis.call("pexpire", suspects, remembered_ms)
redis.call("del", unpack(keys))
