-- Gives a message that a worker has fetched another redis message id.
--
-- KEYS[1]  the namespace
-- ARGV     1 queue name, 2 worker id, 3 its redis message id, 4 the new one

local namespace, queue_name, worker_id, old_id, new_id = KEYS[1], unpack(ARGV, 1, 4)

local queue = namespace .. ":" .. queue_name
local acks = namespace .. ":__acks__." .. worker_id .. "." .. queue_name

local function move_field(hash)
    local value = redis.call("hget", hash, old_id)
    if value then
        redis.call("hdel", hash, old_id)
        redis.call("hset", hash, new_id, value)
    end
end

if redis.call("srem", acks, old_id) == 1 then
    redis.call("sadd", acks, new_id)
    move_field(queue .. ".msgs")
    move_field(queue .. ".suspects")
end
