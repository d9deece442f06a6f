"""`python -m tests.fuzz`: coverage-guided fuzzing of the request path with atheris and libFuzzer, for as many inputs as
asked for. Everything after `--` goes to libFuzzer."""

import argparse
import shutil
import sys
import time
from pathlib import Path
from random import Random

try:
    import atheris
except ImportError:
    raise SystemExit("There is no atheris here: it is made for Python 3.11 to 3.13 on Linux, x86-64") from None

with atheris.instrument_imports(
    include=["actors", "contract", "errors", "ingress", "signature", "task", "transport", "dramatiq", "fnmatch"]
):
    from tests.fuzz.mutation import mutated
    from tests.fuzz.passage import RequestPath, expanded
    from tests.fuzz.tasks import all_tasks

from transport.collector import collect_less_often

CORPUS = Path(__file__).parent / "corpus"
FOUND = Path("build/fuzz")

#: A request whose passage takes longer, in each of so many attempts (the machine may be busy), is one that hangs.
HANG_S = 0.05
ATTEMPTS = 5

REPORT_EVERY = 500_000


class LongRun:
    """Sends each input through the path, and counts."""

    def __init__(self, inputs: int) -> None:
        self._path = RequestPath(all_tasks())
        self._inputs = inputs
        self._count = 0
        self._slow = 0
        self._slowest_s = 0.0
        self._started_s = time.monotonic()

    def one(self, data: bytes) -> None:
        """What libFuzzer calls; whatever is raised here ends the run, with the input in `build/fuzz`."""
        request = expanded(data)
        started_s = time.perf_counter()
        passage = self._path.take(request)
        taken_s = time.perf_counter() - started_s
        self._path.check(request, passage)
        if taken_s > HANG_S:
            self._time_again(data, request, taken_s)
        self._count += 1
        if self._count % REPORT_EVERY == 0 or self._count == self._inputs:
            self.report()

    def report(self) -> None:
        """Says how far it is."""
        rate = self._count / (time.monotonic() - self._started_s)
        print(
            f"{self._count} inputs, {rate:.0f} a second; {self._slow} took over {HANG_S * 1000:.0f} ms, the slowest "
            f"{self._slowest_s * 1000:.0f} ms; {dict(self._path.endings.most_common())}",
            flush=True,
        )

    def _time_again(self, data: bytes, request: bytes, taken_s: float) -> None:
        for _ in range(ATTEMPTS):
            started_s = time.perf_counter()
            self._path.take(request)
            taken_s = min(taken_s, time.perf_counter() - started_s)
        if taken_s <= HANG_S:
            return
        self._slow += 1
        if taken_s > self._slowest_s:
            self._slowest_s = taken_s
            Path(FOUND, f"slow-{taken_s * 1000:.0f}-ms").write_bytes(data)


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Partly by libFuzzer, which knows what was covered, partly by what we know of requests."""
    random = Random(seed)  # noqa: S311 - no secret
    data = bytes(atheris.Mutate(data, max_size)) if random.random() < 0.3 else mutated(data, random)[:max_size]
    # libFuzzer would breed the largest requests, each of which takes as long as a thousand others.
    return data if random.random() < 0.01 else data.replace(b"\xfd", b"\xfe")


def main() -> None:
    """Ends with 0 after the last input, with libFuzzer's code after a failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000_000)
    parser.add_argument("libfuzzer", nargs="*")
    options = parser.parse_args()
    shutil.copytree(CORPUS, FOUND / "corpus", dirs_exist_ok=True)
    run = LongRun(options.inputs)
    collect_less_often()
    libfuzzer = [f"-runs={options.inputs}", "-max_len=4096", "-timeout=60", f"-artifact_prefix={FOUND}/"]
    atheris.Setup(
        [sys.argv[0], *libfuzzer, *(options.libfuzzer or [str(FOUND / "corpus")])], run.one, custom_mutator=mutate
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
