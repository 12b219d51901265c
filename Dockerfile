# Installs the packages in a separate stage, so that npm's cache is not in the image.
FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
COPY sdk/package.json sdk/
# Without the optional packages, which are the embedded PostgreSQL: DATABASE_URL names the server.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-fund --no-audit

FROM node:24-slim
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json openapi.yaml README.md LICENSE ./
COPY docs/*.md docs/
COPY docs/samples docs/samples
COPY migrations migrations
COPY src src
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT ?? 8080}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
CMD ["node", "--max-semi-space-size=8", "--heap-growing-percent=40", "src/main.ts"]
