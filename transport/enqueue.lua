-- Puts a message on its queue, in the layout of Dramatiq's dispatch.lua.
--
-- KEYS[1]  the namespace
-- ARGV     1 from how many messages on a queue the next ones wait in lanes, 2 queue name, 3 redis message id, 4
--          message, 5 task type, 6 user

local fair_backlog, queue = tonumber(ARGV[1]), KEYS[1] .. ":" .. ARGV[2]
local message_id, message, task_type, user = ARGV[3], ARGV[4], ARGV[5], ARGV[6]

enqueue(queue, message_id, message, task_type, user, fair_backlog)
