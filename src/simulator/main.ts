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

process.once('SIGTERM', stop);
// Ctrl-C reaches the parent too, and the parent decides when this process ends.
if (parent) process.on('SIGINT', () => undefined);
else process.once('SIGINT', stop);
parent?.once('disconnect', () => process.exit(0));

const starting = start();
const { url } = await starting;
if (parent) parent.send?.({ type: 'listening', url });
else process.stdout.write(`The simulated providers listen on ${url}\n`);
