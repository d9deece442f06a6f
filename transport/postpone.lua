-- Lays delayed messages that are due only later aside, in the order of their times, so that no worker need hold them.
--
-- KEYS[1]  the namespace
-- ARGV     1 name of the delay queue, 2 worker id, then for each message when it is due, in Unix ms, and redis message
--          id

local namespace, queue_name, worker_id = KEYS[1], ARGV[1], ARGV[2]
local first_message = 3

local later = namespace .. ":" .. queue_name .. ".later"
local acks = namespace .. ":__acks__." .. worker_id .. "." .. queue_name

for i = first_message, #ARGV, 2 do
    local due_ms, message_id = ARGV[i], ARGV[i + 1]
    if redis.call("srem", acks, message_id) == 1 then
        redis.call("zadd", later, due_ms, message_id)
    end
end
