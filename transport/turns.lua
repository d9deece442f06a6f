-- No script by itself: how messages wait for their turn, so that whoever sends many keeps nobody else waiting.
--
-- A queue is first of all Dramatiq's list. While more than a few messages wait in it, new ones wait in lanes, one for
-- each user and task type. Workers take alternately from the list and from the lanes; from these the task types take
-- turns, and within a task type its users. So a user who floods waits behind himself, and so does a task type.
--
-- As long as messages wait in lanes, a queue has in Redis, beside what Dramatiq keeps:
-- .turns            the task types, the next one first
-- .users:TYPE       the users of each, the next one first; as JSON, so that 7 is not "7", and it is clear where one
--                   ends
-- .lane:USER:TYPE   the redis message ids, the next one first
-- The messages are in .msgs with all others. A stock Dramatiq worker does not see the lanes.

-- Takes the message whose turn it is out of its lane; returns its redis message id, or false when none waits in lanes.
local function take_turn(queue)
    local task_type = redis.call("lpop", queue .. ".turns")
    if not task_type then
        return false
    end
    local users = queue .. ".users:" .. task_type
    local user = redis.call("lpop", users)
    local lane = queue .. ".lane:" .. user .. ":" .. task_type
    local message_id = redis.call("lpop", lane)
    if redis.call("exists", lane) == 1 then
        redis.call("rpush", users, user)
    end
    if redis.call("exists", users) == 1 then
        redis.call("rpush", queue .. ".turns", task_type)
    end
    return message_id
end

-- Puts the next message of the lanes into the list when that is empty: a blocking look sees the list only. Nearly
-- always there is one in it; not when a stock worker has taken it, which does not see the lanes, or a stock program has
-- flushed the queue.
local function show_next(queue)
    local is_hidden = redis.call("exists", queue .. ".turns") == 1 and redis.call("exists", queue) == 0
    local next_id = is_hidden and take_turn(queue)
    if next_id then
        redis.call("rpush", queue, next_id)
    end
end

-- Puts a message where it is to wait: in a lane when `fair_backlog` or more are in the list. Never in a lane when
-- `fair_backlog` is 0, or without a task type, like those on a delay queue, each of which waits for a time of its own.
local function enqueue(queue, message_id, message, task_type, user, fair_backlog)
    redis.call("hset", queue .. ".msgs", message_id, message)
    -- While there are lanes, also when the list is short again: later messages are not to overtake earlier ones. But
    -- not when it is empty: then this one is shown, as in show_next, since whoever enqueues may lack the right to LPOP.
    local in_list = redis.call("llen", queue)
    local waits_in_lane = fair_backlog > 0 and task_type ~= ""
        and (in_list >= fair_backlog or (in_list > 0 and redis.call("exists", queue .. ".turns") == 1))
    if not waits_in_lane then
        redis.call("rpush", queue, message_id)
    elseif redis.call("rpush", queue .. ".lane:" .. user .. ":" .. task_type, message_id) == 1 then
        if redis.call("rpush", queue .. ".users:" .. task_type, user) == 1 then
            redis.call("rpush", queue .. ".turns", task_type)
        end
    end
end
