-- Gives a worker its next messages, in the layout of Dramatiq's dispatch.lua: first what its blocking look has put
-- aside for it, then alternately from the head of the queue and from its lanes, see turns.lua.
--
-- An id without a message is passed over: that of a request which was cancelled while it waited.
--
-- KEYS[1]  the namespace
-- ARGV     1 queue name, 2 worker id, 3 the most messages wanted, 4 the generation of the question, see put_back.lua
-- Returns  the redis message ids; in the same order the messages; and how often those were begun that were in the hands
--          of a worker when it died, or nothing where there are none such.

local namespace, queue_name, worker_id, asked_in = KEYS[1], ARGV[1], ARGV[2], ARGV[4]
local wanted = math.min(ARGV[3], 1000) -- Lua's stack has to hold them

local queue = namespace .. ":" .. queue_name
local turns, suspects = queue .. ".turns", queue .. ".suspects"
local holder = worker_id .. "." .. queue_name
local acks, aside = namespace .. ":__acks__." .. holder, namespace .. ":__aside__." .. holder

if redis.call("exists", aside, queue, turns) == 0 then
    return {{}, {}, {}}
end
local ids = redis.call("lrange", aside, 0, -1)
if #ids > 0 then
    redis.call("del", aside)
end

local generation = redis.call("get", namespace .. ":__generation__." .. holder)
if generation and generation ~= asked_in then
    -- The worker has hung up since, and does not hear the answer: what was put aside for it goes back.
    for i = #ids, 1, -1 do
        redis.call("lpush", queue, ids[i])
    end
    return {{}, {}, {}}
end
if redis.call("exists", turns) == 1 then
    -- Nothing was put aside where Redis has no BLMOVE. Whoever wants one message only would never take the head.
    ids[1] = ids[1] or redis.call("lpop", queue) or nil
    while #ids < wanted and redis.call("exists", turns) == 1 do
        ids[#ids + 1] = take_turn(queue) or nil
        ids[#ids + 1] = #ids < wanted and redis.call("lpop", queue) or nil
    end
    show_next(queue)
end
if #ids < wanted then
    local more = redis.call("lrange", queue, 0, wanted - #ids - 1)
    if #more > 0 then
        redis.call("ltrim", queue, #more, -1)
    end
    for i = 1, #more do
        ids[#ids + 1] = more[i]
    end
end

if #ids == 0 then
    return {ids, ids, ids}
end
-- Out of memory Redis refuses a script's first write, if that may take memory, and no later one; DEL, LTRIM and LPOP
-- take none.
redis.call("sadd", acks, unpack(ids))
local messages = redis.call("hmget", queue .. ".msgs", unpack(ids))
for i = #ids, 1, -1 do
    if not messages[i] then
        redis.call("srem", acks, ids[i])
        table.remove(ids, i)
        table.remove(messages, i)
    end
end
local begun = {}
if #ids > 0 and redis.call("exists", suspects) == 1 then
    begun = redis.call("hmget", suspects, unpack(ids))
end
return {ids, messages, begun}
