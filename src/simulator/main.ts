import { readEnvironment } from './environment.ts';
import type { Simulator } from './server.ts';

/** The parent process with an IPC channel, if there is one: this process ends with the parent. */
const parent = process.send ? process : null;

/** Reports the reasons to the parent, or prints them without a parent, and exits. */
async function fail(reasons: string[]): Promise<never> {
  // An exit before the parent has received the message would lose the message.
  if (parent)
    await new Promise((resolve) => parent.send?.({ type: 'failed', reason: reasons.join('; ') }, resolve));
  else for (const reason of reasons) process.stderr.write(`simulator: ${reason}\n`);
  process.exit(1);
}

async function start(): Promise<Simulator> {
  const { options, faults } = readEnvironment(process.env);
  if (faults.length > 0) return fail(faults);
  // Loaded after the signal handlers are set, so that no early signal is missed.
  const { startSimulator } = await import('./server.ts');
  return startSimulator(options).catch((error: NodeJS.ErrnoException & { port?: number }) => {
    const why = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be listened on: ${error.message}`;
    return fail([`port ${error.port ?? options.port} on ${options.host} ${why}`]);
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
const { url, smtpPort } = await starting;
if (parent) parent.send?.({ type: 'listening', url });
else {
  const mail = smtpPort === null ? '' : `, and the simulated mail server on port ${smtpPort}`;
  process.stdout.write(`The simulated providers listen on ${url}${mail}\n`);
}
