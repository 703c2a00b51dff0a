# Samtykke in a container: the program, Chromium for scans and proofs, nothing that builds.
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
 && apt-get install -y --no-install-recommends chromium fonts-dejavu-core \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --create-home --home-dir /var/lib/samtykke samtykke
COPY --from=build /opt/samtykke /opt/samtykke
ENV PATH=/opt/samtykke/bin:$PATH
USER samtykke
WORKDIR /var/lib/samtykke
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=3s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/.samtykke/health', timeout=2)"]
ENTRYPOINT ["samtykke"]
CMD ["serve", "--config", "/etc/samtykke/samtykke.toml"]
