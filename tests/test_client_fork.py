"""`CallboardClient` in a process that is forked after its first call, as by `gunicorn --preload`."""

import os
from pathlib import Path

import pytest

from tests.system import System, environment, run_to_its_end

# Nothing here is over in time but by being heard: the timeout is an hour, and `results` is a channel without doubts.
PROGRAM = """
import os, signal, sys, threading
from pathlib import Path
from client import CallboardClient, MisplacedError

go_on = Path(sys.argv[1])
callboard = CallboardClient(os.environ["REDIS_URL"], user_id=f"fork-{os.getpid()}", listen_on="results", timeout_s=3600)
done = callboard.send("reverse_string", text="done")
done.result()
sent = callboard.send("waits_for", file=str(go_on))
waiting = threading.Thread(target=sent.result)
waiting.start()
forked = os.fork()
if forked == 0:
    signal.alarm(30)  # nobody else would end it
    print("child", callboard.call("reverse_string", text="abc"))
    print("child", *(event.event for event in callboard.with_options(events=True).send("waits", seconds=0).events()))
    print("child", done.result())
    for wait in (sent.result, lambda: list(sent.events())):
        try:
            wait()
        except MisplacedError as error:
            print("child", str(error).partition("; ")[2])
    go_on.touch()
    print("child", callboard.with_options(request_id=sent.request_id).call("waits_for", file=str(go_on)))
    callboard.close()
    sys.stdout.flush()
    os._exit(0)
print("parent", os.waitpid(forked, 0)[1])
waiting.join()
print("parent", sent.result())
print("parent", callboard.call("reverse_string", text="abc"))
callboard.close()
"""

ADVICE = "send it again with the same request_id to get that here, too"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_process_starts_anew_and_leaves_the_other_one_alone(system: System, tmp_path: Path) -> None:
    ended = run_to_its_end(system.project, ["-c", PROGRAM, str(tmp_path / "go on")], environment(system.redis_url))
    assert ended.stdout.splitlines() == [
        "child {'reversed_text': 'cba'}",
        "child accepted started completed",
        "child {'reversed_text': 'enod'}",
        f"child {ADVICE}",
        f"child {ADVICE}",
        "child {'text': 'there it is'}",
        "parent 0",
        "parent {'text': 'there it is'}",
        "parent {'reversed_text': 'cba'}",
    ], ended.stderr
