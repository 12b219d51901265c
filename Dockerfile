FROM node:24-slim
WORKDIR /app
COPY package.json package-lock.json ./
COPY sdk/package.json sdk/
# The image has its Node.js already, and its PostgreSQL is another container.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-fund --no-audit
COPY openapi.yaml README.md LICENSE ./
COPY docs/*.md docs/
COPY docs/samples docs/samples
COPY migrations migrations
COPY src src
USER node
EXPOSE 8080
STOPSIGNAL SIGTERM
CMD ["node", "--max-semi-space-size=8", "--heap-growing-percent=40", "src/main.ts"]
