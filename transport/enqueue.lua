-- Puts messages on their queues, in the layout of Dramatiq's dispatch.lua. A message that is there already is left
-- alone, so that the call may be repeated when its answer was lost.
--
-- KEYS[1]  the namespace
-- ARGV     queue name, redis message id, message; and so on for each message

for i = 1, #ARGV, 3 do
    local queue = KEYS[1] .. ":" .. ARGV[i]
    if redis.call("hsetnx", queue .. ".msgs", ARGV[i + 1], ARGV[i + 2]) == 1 then
        redis.call("rpush", queue, ARGV[i + 1])
    end
end
