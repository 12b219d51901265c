import { readEnvironment } from './environment.ts';
import type { Simulator } from './server.ts';

/** Whoever started this process and listens to it, if anyone: it ends when that does. */
const parent = process.send ? process : null;

/** Says why there is no start, to the parent or else on stderr, and ends. */
async function fail(reasons: string[]): Promise<never> {
  // An exit before the parent has it would lose it.
  if (parent)
    await new Promise((resolve) => parent.send?.({ type: 'failed', reason: reasons.join('; ') }, resolve));
  else for (const reason of reasons) process.stderr.write(`simulator: ${reason}\n`);
  process.exit(1);
}

async function start(): Promise<Simulator> {
  const { options, faults } = readEnvironment(process.env);
  if (faults.length > 0) return fail(faults);
  // Loaded only here, so that signals are heard from the first moment.
  const { startSimulator } = await import('./server.ts');
  return startSimulator(options).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'EADDRINUSE' ? 'is taken' : `cannot be listened on: ${error.message}`;
    return fail([`port ${options.port} on ${options.host} ${why}`]);
  });
}

async function stop(): Promise<void> {
  const simulator = await starting;
  await simulator.stop();
  process.exit(0);
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
if (parent) {
  // A signal to the process group reaches this process too. The parent still sends messages then, and this process
  // ends when the parent closes the channel or is gone.
  for (const signal of SIGNALS) process.on(signal, () => undefined);
  parent.once('disconnect', () => process.exit(0));
} else {
  for (const signal of SIGNALS) process.once(signal, stop);
}

const starting = start();
const { url } = await starting;
if (parent) parent.send?.({ type: 'listening', url });
else process.stdout.write(`The simulated providers listen on ${url}\n`);
