-- Counts that a suspect is begun once more. Not one that was cancelled meanwhile: that would stay counted for ever. Nor
-- one that was condemned, see recover.lua, while this worker was taken for dead.
--
-- KEYS[1]  the namespace
-- ARGV     1 queue name, 2 redis message id

local suspects, message_id = KEYS[1] .. ":" .. ARGV[1] .. ".suspects", ARGV[2]

-- Removes nothing, and is only there to be first: out of memory Redis refuses a script's first write if that may take
-- memory, and no later one.
redis.call("hdel", suspects, "")
if tonumber(redis.call("hget", suspects, message_id) or 0) > 0 then
    redis.call("hincrby", suspects, message_id, 1)
end
