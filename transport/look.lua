-- A worker's look for those that have died, if it is time for one. In one step: if Redis stood still between two,
-- everybody would look dead in the second. Nobody is dead when the last look is forgotten, see pulse.py, nor is it time for
-- another one then: after Redis stood still many look at once, and nobody has shown himself yet.
--
-- KEYS[1]  the namespace
-- ARGV     1 for how long this look is remembered, in ms, 2 how long nobody looks again, in ms, 3 what the ids of
--          Callboard's workers begin with, 4 after how long of silence any other worker is dead, in ms
-- Returns  the ids of the dead workers; or in how many ms it is time for a look.

local namespace, remembered_ms, pause_ms, prefix, silence_ms = KEYS[1], unpack(ARGV)

-- Below 0 when Redis's clock was set back: the last look may be remembered for an hour then.
local last_look = namespace .. ":__looked__"
local since_ms = remembered_ms - redis.call("pttl", last_look)
if since_ms >= 0 and since_ms < tonumber(pause_ms) then
    return pause_ms - since_ms
end
-- First: out of memory Redis refuses a script's first write if that may take memory, as PEXPIRE does not, and no later
-- one.
if redis.call("pexpire", last_look, remembered_ms) == 0 then
    redis.call("set", last_look, "", "px", remembered_ms)
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
