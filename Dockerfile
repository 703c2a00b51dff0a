# Samtykke in a container: the program, Chromium for scans and proofs, pdftotext for policies, nothing that builds.
# Config, key, stores, checkpoints and policies are all in /var/lib/samtykke, which is the program's own.
FROM python:3.13-slim-bookworm AS build
WORKDIR /build
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN python -m venv /opt/samtykke \
 && /opt/samtykke/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY policies policies
COPY runtime runtime
COPY proxy proxy
COPY scanner scanner
COPY samtykke samtykke
RUN /opt/samtykke/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim-bookworm
RUN apt-get update \
 && apt-get install -y --no-install-recommends chromium fonts-dejavu-core poppler-utils \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --create-home --home-dir /var/lib/samtykke samtykke
COPY --from=build /opt/samtykke /opt/samtykke
# Loopback of a container is reached by nobody; the environment beats `listen` of the config.
ENV PATH=/opt/samtykke/bin:$PATH \
    SAMTYKKE__PROXY__LISTEN=0.0.0.0:8080
USER samtykke
WORKDIR /var/lib/samtykke
VOLUME /var/lib/samtykke
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s CMD ["python", "-c", \
  "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/.samtykke/health', timeout=2)"]
ENTRYPOINT ["samtykke"]
CMD ["serve"]
