# Needletail in a container: built in one image, run in a small one, by a user without rights.
#
#   docker build -t needletail .
#   docker run -p 127.0.0.1:7700:7700 -v needletail:/var/lib/needletail needletail
#
# Whoever reaches the port can read and delete everything: publish it on loopback, as above, or to a network you trust.
# Texts need the model: run scripts/fetch-model outside and add  -v ~/.cache/needletail:/var/cache/needletail:ro

FROM swift:6.3-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends liblz4-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN scripts/install /image

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends liblz4-1 libstdc++6 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --home-dir /var/lib/needletail --shell /usr/sbin/nologin needletail \
    && install -d -o needletail -g needletail -m 750 /var/lib/needletail /var/cache/needletail
COPY --from=build /image /
# A container is reached from outside its own loopback.
ENV NEEDLETAIL_SERVER_LISTEN=0.0.0.0:7700 \
    NEEDLETAIL_SERVER_ALLOW_REMOTE=true \
    NEEDLETAIL_STORAGE_DATA=/var/lib/needletail \
    XDG_CACHE_HOME=/var/cache
USER needletail
WORKDIR /var/lib/needletail
VOLUME /var/lib/needletail
EXPOSE 7700
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["needletail", "health", "--timeout", "3"]
ENTRYPOINT ["needletaild"]
CMD ["--config", "/etc/needletail/config.toml"]
