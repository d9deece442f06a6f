-- A worker's look for those that have died, if it is its turn. In one step: if Redis stood still between two, everybody
-- would look dead in the second.
--
-- KEYS[1]  the namespace
-- ARGV     1 worker id, 2 for how long no other one looks, in ms, 3 how long it is remembered that one has looked, in ms,
--          4 what the ids of Callboard's workers begin with, 5 since when any other worker is dead that has not shown
--          itself, in Unix ms
-- Returns  the ids of the dead workers, or false when it is not its turn.

local lock, last_look = KEYS[1] .. ":__look__", KEYS[1] .. ":__looked__"

if redis.call("exists", lock) == 1 then
    return false
end
-- First: out of memory Redis refuses a script's first write if that may take memory, as PEXPIRE does not, and no later one.
local has_looked = redis.call("pexpire", last_look, ARGV[3]) == 1
redis.call("set", lock, ARGV[1], "px", ARGV[2])
if not has_looked then
    redis.call("set", last_look, ARGV[1], "px", ARGV[3])
    return {}
end

local ours, dead = {}, {}
local workers = redis.call("zrange", KEYS[1] .. ":__heartbeats__", 0, -1, "withscores")
for w = 1, #workers, 2 do
    if string.sub(workers[w], 1, #ARGV[4]) == ARGV[4] then
        ours[#ours + 1] = workers[w]
    elseif tonumber(workers[w + 1]) < tonumber(ARGV[5]) then
        dead[#dead + 1] = workers[w]
    end
end

local function alive(first, last)
    local keys = {}
    for w = first, last do
        keys[#keys + 1] = KEYS[1] .. ":__alive__." .. ours[w]
    end
    return redis.call("exists", unpack(keys))
end

-- Of so many at once, and of each by itself only where one is missing.
local together = 200
for first = 1, #ours, together do
    local last = math.min(first + together - 1, #ours)
    if alive(first, last) < last - first + 1 then
        for w = first, last do
            if alive(w, w) == 0 then
                dead[#dead + 1] = ours[w]
            end
        end
    end
end
return dead
