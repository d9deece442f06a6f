-- Counts that a suspect is begun once more. Not one that is not this worker's any more: it was cancelled meanwhile, and
-- would stay counted for ever; or others have taken this worker for dead and brought it back. Nor one that was condemned.
--
-- KEYS[1]  the namespace
-- ARGV     1 queue name, 2 worker id, 3 redis message id
-- Returns  whether it is this worker's.

local namespace, queue_name, worker_id, message_id = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local suspects = namespace .. ":" .. queue_name .. ".suspects"

-- Removes nothing, and is only there to be first: out of memory Redis refuses a script's first write if that may take
-- memory, and no later one.
redis.call("hdel", suspects, "")
if redis.call("sismember", namespace .. ":__acks__." .. worker_id .. "." .. queue_name, message_id) == 0 then
    return 0
end
if tonumber(redis.call("hget", suspects, message_id) or 0) > 0 then
    redis.call("hincrby", suspects, message_id, 1)
end
return 1
