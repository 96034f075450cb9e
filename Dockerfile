# nisba in a container: the wheel, and everything that it needs at the versions and hashes of constraints.txt.
#
#   docker build -t nisba .
#   docker run --rm -v "$PWD/books:/data" nisba backfill events
#
# This image is not built in CI, where there is no container engine; tools/try_wheel.py takes the same steps there.

FROM python:3.11-slim AS build
WORKDIR /src
ENV UV_CACHE_DIR=/cache/uv UV_LINK_MODE=copy
# The installer and the builder come from the lock too.
COPY constraints.txt .
RUN awk '/^(uv|setuptools)==/ { on = 1 } on { print } on && !/\\$/ { on = 0 }' constraints.txt > installer.txt \
 && pip install --no-cache-dir --require-hashes -r installer.txt
COPY . .
RUN uv build --quiet --wheel --no-build-isolation --out-dir /dist .
RUN --mount=type=cache,target=/cache/uv \
    wheel=$(ls /dist/*.whl) && digest=$(sha256sum "$wheel" | cut -d ' ' -f 1) \
 && echo "nisba[all] @ file://$wheel --hash=sha256:$digest" > wheel.txt \
 && uv venv --quiet /opt/nisba \
 && uv pip install --quiet --python /opt/nisba/bin/python --require-hashes --compile-bytecode -r wheel.txt -c constraints.txt

FROM python:3.11-slim
LABEL org.opencontainers.image.source="https://github.com/nisba/nisba" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --create-home nisba && install --directory --owner nisba --group nisba /data
COPY --from=build /opt/nisba /opt/nisba
ENV PATH=/opt/nisba/bin:$PATH PYTHONUNBUFFERED=1
USER nisba
# The warehouse, the snapshots and nisba.toml.
WORKDIR /data
VOLUME /data
ENTRYPOINT ["nisba"]
CMD ["--help"]
