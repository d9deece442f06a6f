"""Where requests come in.

`replica` is one of any number of ingresses: its `subscriber` hears the channel into a `backlog`, in which `markers`
name the places, and while it holds the `lease`, the `intake` takes in what was heard; `position` tells the others how
far it is, and `output_buffer` keeps Redis from cutting it off. `stream` is the durable way to the same `intake`, for
`tasks_stream`, and for `later_stream`, where the requests of a flood are laid aside. There the `gate` judges each
request; a `crowd` waits, and above the `queue_bound` a request is refused. `control` hears of those that are not wanted
any more.
"""
