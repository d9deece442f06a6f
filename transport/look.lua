-- A worker's look for those that have died, if it is its turn. In one step: if Redis stood still between two, everybody
-- would look dead in the second.
--
-- KEYS[1]  the namespace
-- ARGV     1 worker id, 2 for how long no other one looks, in ms, 3 how long it is remembered that one has looked, in ms,
--          4 what the ids of Callboard's workers begin with, 5 since when any other worker is dead that has not shown
--          itself, in Unix ms
-- Returns  the ids of the dead workers, or false when it is not its turn.

local lock, last_look = KEYS[1] .. ":__look__", KEYS[1] .. ":__looked__"

local function is_dead(worker_id, shown_ms)
    if string.sub(worker_id, 1, #ARGV[4]) == ARGV[4] then
        return redis.call("exists", KEYS[1] .. ":__alive__." .. worker_id) == 0
    end
    return tonumber(shown_ms) < tonumber(ARGV[5])
end

if redis.call("exists", lock) == 1 then
    return false
end
-- First: out of memory Redis refuses a script's first write if that may take memory, and no later one.
redis.call("del", lock)
redis.call("set", lock, ARGV[1], "px", ARGV[2])
local has_looked = redis.call("exists", last_look) == 1
redis.call("set", last_look, ARGV[1], "px", ARGV[3])

local dead = {}
local workers = has_looked and redis.call("zrange", KEYS[1] .. ":__heartbeats__", 0, -1, "withscores") or {}
for w = 1, #workers, 2 do
    if is_dead(workers[w], workers[w + 1]) then
        dead[#dead + 1] = workers[w]
    end
end
return dead
