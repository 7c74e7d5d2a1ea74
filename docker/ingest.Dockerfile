# Counting on a GPU: torch's wheels bring CUDA, the machine brings the driver and NVIDIA's container toolkit.
# In the root of a checkout: docker build -f docker/ingest.Dockerfile -t arete-ingest .

FROM python:3.11.14-slim-bookworm AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends g++ \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements requirements
RUN python -m venv /opt/arete \
 && /opt/arete/bin/pip install --no-cache-dir --require-hashes -r requirements/ingest.txt
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY pyproject.toml hatch_build.py README.md LICENSE pom.xml ./
COPY arete arete
COPY core core
COPY queries queries
COPY graphql graphql
COPY ingest ingest
# This image counts and shows nothing; the wheel only asks whether there is a page.
RUN mkdir -p web/dist \
 && printf '<!doctype html><title>Arete</title>The viewer is in the image of the API.\n' > web/dist/index.html \
 && /opt/build/bin/python -m hatchling build -t wheel -d /tmp/wheel \
 && /opt/arete/bin/pip install --no-cache-dir --no-deps /tmp/wheel/*.whl

FROM python:3.11.14-slim-bookworm
RUN useradd --uid 10001 --user-group --create-home --home-dir /home/arete arete \
 && install -d -o arete -g arete /data /runs
COPY --from=build /opt/arete /opt/arete
ENV PATH=/opt/arete/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ARETE_HOME=/data \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001
WORKDIR /runs
VOLUME /runs
# A job, not a service: it is well as long as it lives, and it reports by its exit code.
HEALTHCHECK NONE
STOPSIGNAL SIGTERM
ENTRYPOINT ["arete"]
CMD ["ingest", "--help"]
