# API and viewer, without torch. In the root of a checkout: docker build -f docker/api.Dockerfile -t arete .

FROM node:20.19.5-bookworm-slim AS viewer
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY graphql/schema.graphql /src/graphql/schema.graphql
COPY web ./
RUN npm run build

FROM python:3.11.14-slim-bookworm AS build
WORKDIR /src
COPY requirements requirements
RUN python -m venv /opt/arete \
 && /opt/arete/bin/pip install --no-cache-dir --require-hashes -r requirements/api.txt
# What builds the wheel has its versions from the list that developers use.
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY pyproject.toml hatch_build.py README.md LICENSE pom.xml ./
COPY arete arete
COPY core core
COPY queries queries
COPY graphql graphql
COPY ingest ingest
COPY --from=viewer /src/web/dist web/dist
RUN /opt/build/bin/python -m hatchling build -t wheel -d /tmp/wheel \
 && /opt/arete/bin/pip install --no-cache-dir --no-deps /tmp/wheel/*.whl

FROM python:3.11.14-slim-bookworm
# A number, so that a cluster can see that it is not root.
RUN useradd --uid 10001 --user-group --create-home --home-dir /home/arete arete \
 && install -d -o arete -g arete /data /runs
COPY --from=build /opt/arete /opt/arete
ENV PATH=/opt/arete/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    ARETE_HOME=/data \
    ARETE_HOST=0.0.0.0 \
    ARETE_PORT=8700 \
    ARETE_LOG_FORMAT=json
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8700
# Alive, not ready: a database that is away is no reason to start the service again.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8700/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["arete"]
CMD ["serve", "--quiet"]
