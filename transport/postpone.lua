-- Lays delayed messages that are due only later aside, in the order of their times, so that no worker need hold them.
--
-- KEYS[1]  the namespace
-- ARGV     1 name of the delay queue, 2 worker id, then for each message when it is due, in Unix ms, and redis message id

local queue = KEYS[1] .. ":" .. ARGV[1]
local acks = KEYS[1] .. ":__acks__." .. ARGV[2] .. "." .. ARGV[1]

for i = 3, #ARGV, 2 do
    if redis.call("srem", acks, ARGV[i + 1]) == 1 then
        redis.call("zadd", queue .. ".later", ARGV[i], ARGV[i + 1])
    end
end
