-- No script by itself: the time. Redis's own, which is one for all: the clocks of the machines that workers run on may
-- be wrong, or be set.

-- Unix ms.
local function now_ms()
    local time = redis.call("time")
    return time[1] * 1000 + math.floor(time[2] / 1000)
end
