-- Shows the workers of a crew to the stock Dramatiq workers that look after the same queues.
--
-- KEYS[1]  the namespace
-- ARGV     1 how long the queues are remembered, in ms, then the ids of the workers

local namespace, remembered_ms = KEYS[1], ARGV[1]
local first_worker = 2

-- First: out of memory Redis refuses a script's first write if that may take memory, as PEXPIRE does not, and no later
-- one.
redis.call("pexpire", namespace .. ":__queues__", remembered_ms)
local shown, shown_ms = {}, now_ms()
for w = first_worker, #ARGV do
    shown[#shown + 1] = shown_ms
    shown[#shown + 1] = ARGV[w]
end
redis.call("zadd", namespace .. ":__heartbeats__", unpack(shown))
