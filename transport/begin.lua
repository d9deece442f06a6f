-- Counts that a suspect is begun once more; not one that was cancelled meanwhile, which would be counted for ever, nor one
-- that was condemned, see recover.lua, while this worker was taken for dead.
--
-- KEYS[1]  the namespace
-- ARGV     1 queue name, 2 redis message id

local suspects = KEYS[1] .. ":" .. ARGV[1] .. ".suspects"

-- Of nothing: out of memory Redis refuses a script's first write if that may take memory, and no later one.
redis.call("hdel", suspects, "")
if tonumber(redis.call("hget", suspects, ARGV[2]) or 0) > 0 then
    redis.call("hincrby", suspects, ARGV[2], 1)
end
