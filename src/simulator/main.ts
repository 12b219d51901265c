import { bool, cleanEnv, num, port, str, url } from 'envalid';
import { startSimulator } from './server.ts';

/** Whoever started this process and listens to it, if anyone: it ends when that does. */
const parent = process.send ? process : null;

function fail(reasons: string[]): never {
  if (parent) parent.send?.({ type: 'failed', reason: reasons.join('; ') });
  else for (const reason of reasons) process.stderr.write(`simulator: ${reason}\n`);
  process.exit(1);
}

const env = cleanEnv(
  process.env,
  {
    SIMULATOR_HOST: str({ default: '127.0.0.1' }),
    SIMULATOR_PORT: port({ default: 8081 }),
    SIMULATOR_SERVICE_URL: url({ default: 'http://127.0.0.1:8080' }),
    SIMULATOR_API_KEY: str({ default: undefined }),
    SIMULATOR_WEBHOOK_SECRET: str({ default: undefined }),
    SIMULATOR_SEED: num({ default: 1 }),
    SIMULATOR_HONOUR_IDEMPOTENCY_KEYS: bool({ default: true }),
    SIMULATOR_LOOKUP: bool({ default: true }),
    SIMULATOR_RECEIPT_DELAY_MS: num({ default: 50 }),
  },
  {
    reporter: ({ errors }) => {
      const faults = Object.entries(errors).map(([name, error]) => `${name}: ${error?.message}`);
      if (faults.length > 0) fail(faults);
    },
  },
);

const simulator = await startSimulator({
  host: env.SIMULATOR_HOST,
  port: env.SIMULATOR_PORT,
  apiKey: env.SIMULATOR_API_KEY,
  webhookSecret: env.SIMULATOR_WEBHOOK_SECRET,
  settings: {
    service_url: env.SIMULATOR_SERVICE_URL,
    seed: env.SIMULATOR_SEED,
    honour_idempotency_keys: env.SIMULATOR_HONOUR_IDEMPOTENCY_KEYS,
    lookup: env.SIMULATOR_LOOKUP,
    receipts: { delay_ms: env.SIMULATOR_RECEIPT_DELAY_MS },
  },
}).catch((error) =>
  fail([`${env.SIMULATOR_HOST}:${env.SIMULATOR_PORT} cannot be listened on: ${error.code}`]),
);

const stop = () => simulator.stop().then(() => process.exit(0));
process.on('SIGTERM', stop);
// Ctrl-C reaches the parent too, and the parent decides when this process ends.
process.on('SIGINT', () => void (parent ?? stop()));
parent?.on('disconnect', () => process.exit(0));
if (parent) parent.send?.({ type: 'listening', url: simulator.url });
else process.stdout.write(`The simulated providers listen on ${simulator.url}\n`);
