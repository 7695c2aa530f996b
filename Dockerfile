# One image for every target: docker build -t xscaler . && docker run -p 127.0.0.1:9009:9009 -v xscaler:/data xscaler
#
# There is no build step: the image is the workspace as it is, production dependencies and the Node that package.json names.
# Node strips types from .ts files only outside node_modules, so the workspace's symlinks stay (never `pnpm deploy`).

FROM debian:bookworm-slim AS build
# Debian's Node is here to run npm and pnpm; it doesn't reach the image.
RUN apt-get update && apt-get install -y --no-install-recommends nodejs npm && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json ./
# Its install script chooses the binary for this architecture.
RUN npm install --prefix /runtime --no-save --no-audit --no-fund \
      "node@$(node -p 'require("./package.json").devDependencies.node')" \
    && install -D /runtime/node_modules/node/bin/node /out/node
COPY scripts/setup.js scripts/
RUN npm install --prefix /pnpm --no-save --no-audit --no-fund \
      "$(sed -n "s/^const PNPM = '\(.*\)';$/\1/p" scripts/setup.js)"
ENV PATH=/out:/pnpm/node_modules/.bin:$PATH CI=true
# Downloads depend on the lockfile alone, so that a change of sources doesn't repeat them.
COPY pnpm-lock.yaml pnpm-workspace.yaml ./
RUN pnpm fetch --prod && rm -r node_modules
COPY . .
RUN pnpm install --frozen-lockfile --offline --prod --filter '@xscaler/all...' \
    && rm -r scripts deploy && chmod -R a+rX,go-w /app

FROM debian:bookworm-slim
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin xscaler \
    && install -d -o xscaler -g xscaler -m 0700 /data
COPY --from=build /out/node /usr/local/bin/
COPY --from=build /app /app
COPY deploy/image/ /usr/local/bin/
# Nothing is written but /data: the root may be read-only.
ENV NODE_ENV=production \
    NODE_DISABLE_COMPILE_CACHE=1 \
    XSCALER_LISTEN=0.0.0.0:9009 \
    XSCALER_OPS_LISTEN=0.0.0.0:9010 \
    XSCALER_GATEWAY_OTLP_GRPC_LISTEN=0.0.0.0:4317 \
    XSCALER_DATA_DIR=/data
WORKDIR /data
USER 10001:10001
VOLUME /data
EXPOSE 9009 9010 4317
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["ready"]
ENTRYPOINT ["xscaler"]
CMD ["all"]
