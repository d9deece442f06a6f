-- A worker's look for those that have died, if it is its turn. In one step: if Redis stood still between two, everybody
-- would look dead in the second.
--
-- KEYS[1]  the namespace
-- ARGV     1 worker id, 2 for how long no other one looks, in ms, 3 how long it is remembered that one has looked, in
--          ms, 4 what the ids of Callboard's workers begin with, 5 after how long of silence any other worker is dead,
--          in ms
-- Returns  the ids of the dead workers, or false when it is not its turn.

local namespace, worker_id, pause_ms, remembered_ms, prefix, silence_ms = KEYS[1], unpack(ARGV)

local lock, last_look = namespace .. ":__look__", namespace .. ":__looked__"

-- First: out of memory Redis refuses a script's first write if that may take memory, as PEXPIRE does not, and no later
-- one. When it is not this worker's turn, another one has just looked.
local has_looked = redis.call("pexpire", last_look, remembered_ms) == 1
if not redis.call("set", lock, worker_id, "nx", "px", pause_ms) then
    -- It lasts for longer than anybody has set it for when Redis's clock was set back: nobody would look for so long.
    if redis.call("pttl", lock) <= tonumber(pause_ms) then
        return false
    end
    redis.call("set", lock, worker_id, "px", pause_ms)
end
if not has_looked then
    redis.call("set", last_look, worker_id, "px", remembered_ms)
    return {}
end

-- By the keys of the crews, see pulse.py.
local workers_by_crew = {}

local dead = {}
local workers = redis.call("zrange", namespace .. ":__heartbeats__", 0, -1, "withscores")
for w = 1, #workers, 2 do
    local id, shown_ms = workers[w], tonumber(workers[w + 1])
    if string.sub(id, 1, #prefix) == prefix then
        local crew = namespace .. ":__alive__." .. (string.match(string.sub(id, #prefix + 1), "^(%x+)%.") or id)
        workers_by_crew[crew] = workers_by_crew[crew] or {}
        table.insert(workers_by_crew[crew], id)
    elseif shown_ms < now_ms() - silence_ms then
        dead[#dead + 1] = id
    end
end

-- So many at once: Lua's stack has to hold them.
local batch = 200
for crew, ids in pairs(workers_by_crew) do
    for first = 1, #ids, batch do
        local last = math.min(first + batch - 1, #ids)
        local accounts = redis.call("hmget", crew, unpack(ids, first, last))
        for w = first, last do
            if not accounts[w - first + 1] then
                dead[#dead + 1] = ids[w]
            end
        end
    end
end
return dead
