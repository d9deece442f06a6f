"""Where requests come in.

`replica` is one of any number of ingresses: its `subscriber` hears the channel into a `backlog`, in which `markers`
name the places, and while it holds the `lease`, the `intake` takes in what was heard. `stream` is the durable way to
the same `intake`. There the `gate` judges each request; a `crowd` waits, and above the `queue_bound` a request is
refused. `control` hears of those that are not wanted any more.
"""
