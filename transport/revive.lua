-- Puts dead letters back on a queue, to be tried again, and forgets the outcomes of their failures.
--
-- KEYS[1]  the namespace
-- ARGV     1 name of the queue whose dead letters they are, then for each: redis message id, queue name, message, its
--          task id, key of the task's outcome, key of the claim of its request or "", how long to claim it in s, key of
--          the request's outcome or ""
-- Returns  how many there were.

local namespace, dead_letters = KEYS[1], KEYS[1] .. ":" .. ARGV[1] .. ".XQ"
local first_letter, words_each = 2, 8

-- A repeat of the request gets the outcome that is kept; where there is none and the claim holds, it waits for it.
local function claim_again(claim, ttl_s, request_outcome, task_id)
    local outcome = redis.call("get", request_outcome)
    if not outcome then
        redis.call("set", claim, task_id, "nx", "ex", ttl_s)
    elseif string.find(outcome, '"task_id":"' .. task_id .. '"', 1, true) then
        redis.call("del", request_outcome)
        redis.call("set", claim, task_id, "ex", ttl_s)
    end -- else it is that of another request with the same id, sent when the first claim had run out
end

local revived = 0
for i = first_letter, #ARGV, words_each do
    local message_id, queue_name, message, task_id, task_outcome = unpack(ARGV, i, i + 4)
    local claim, claim_ttl_s, request_outcome = unpack(ARGV, i + 5, i + 7)
    if redis.call("zrem", dead_letters, message_id) == 1 then
        redis.call("hdel", dead_letters .. ".msgs", message_id)
        redis.call("del", task_outcome)
        if claim ~= "" then
            claim_again(claim, claim_ttl_s, request_outcome, task_id)
        end
        local queue = namespace .. ":" .. queue_name
        redis.call("hset", queue .. ".msgs", message_id, message)
        redis.call("rpush", queue, message_id)
        revived = revived + 1
    end
end
return revived
