-- Gives a message that a worker has fetched another redis message id.
--
-- KEYS[1]  the namespace
-- ARGV     1 queue name, 2 worker id, 3 its redis message id, 4 the new one

local queue = KEYS[1] .. ":" .. ARGV[1]
local acks = KEYS[1] .. ":__acks__." .. ARGV[2] .. "." .. ARGV[1]

local function move_field(hash)
    local value = redis.call("hget", hash, ARGV[3])
    if value then
        redis.call("hdel", hash, ARGV[3])
        redis.call("hset", hash, ARGV[4], value)
    end
end

if redis.call("srem", acks, ARGV[3]) == 1 then
    redis.call("sadd", acks, ARGV[4])
    move_field(queue .. ".msgs")
    move_field(queue .. ".suspects")
end
