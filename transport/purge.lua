-- Removes dead letters.
--
-- KEYS[1]  the namespace
-- ARGV     1 name of the queue whose dead letters they are, then their redis message ids
-- Returns  how many there were.

local dead_letters = KEYS[1] .. ":" .. ARGV[1] .. ".XQ"
local first_id = 2

local purged = 0
for i = first_id, #ARGV do
    purged = purged + redis.call("hdel", dead_letters .. ".msgs", ARGV[i])
    redis.call("zrem", dead_letters, ARGV[i])
end
return purged
