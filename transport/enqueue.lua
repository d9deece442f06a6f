-- Puts a message on its queue, in the layout of Dramatiq's dispatch.lua.
--
-- KEYS[1]  the namespace
-- ARGV     1 from how many messages on the others wait in lanes; queue name, redis message id, message, task type, user

enqueue(KEYS[1] .. ":" .. ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[1]))
