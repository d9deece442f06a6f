"""Where requests come in.

`replica` is one of any number of ingresses: its `subscriber` hears the channel into a `backlog`, in which `markers`
stand between the requests. While it holds the `lease`, the `intake` takes in what was heard; the `position` tells the
others how far that is. `verdicts` are kept of what takes longer to judge than the lease lasts. `output_buffer` keeps
Redis from cutting the subscriber off; `eviction` warns of a Redis that may remove what is kept in it. `allocator` is
about memory.

`stream` is the durable way to the same `intake`: for `tasks_stream`, and for `later_stream`, where the requests of a
flood are laid aside. There the `gate` admits each request or refuses it, and `refusals` are answered; a `crowd` waits,
and above the `queue_bound` requests are shed. `control` hears which requests are not wanted any more.
"""
