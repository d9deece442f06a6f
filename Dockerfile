# One image for every process of Callboard; the command says which: python -m ingress, worker or scheduler.
# compose.yaml runs them all. The tasks are part of the image, so a new task is a new image.

# The version that the tests run on; 3.12 and 3.13 are accepted, too.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS installed
COPY requirements.lock /tmp/
RUN python -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --no-cache-dir --require-hashes -r /tmp/requirements.lock

FROM python:${PYTHON}-slim-bookworm
COPY --from=installed /opt/venv /opt/venv
COPY . /opt/callboard
WORKDIR /opt/callboard
# `callboard status` and the others, for `docker compose exec`. Compiled here, as the user may write nothing.
RUN printf '#!/opt/venv/bin/python\nfrom callboard import main\nmain()\n' >/usr/local/bin/callboard \
    && chmod 755 /usr/local/bin/callboard \
    && /opt/venv/bin/python -m compileall -q . \
    && useradd --system --no-create-home --shell /usr/sbin/nologin callboard
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/callboard PYTHONUNBUFFERED=1
USER callboard
# Each process is gone 25 s after SIGTERM (worker.shutdown_timeout_ms): grant it 30 s, as compose.yaml does.
STOPSIGNAL SIGTERM
CMD ["python", "-m", "worker"]
