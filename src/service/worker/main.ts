import { knexOver, openPool } from '../../db/pools.ts';
import type { Worker } from '../../delivery/worker.ts';
import { startSequencer } from '../../feed/sequencer.ts';
import { createEvents, type Events } from '../../observability/events.ts';
import { createLogger } from '../../observability/logger.ts';
import { createRegistry } from '../../providers/registry.ts';
import type { Command, Notice, Reports, WorkerSettings } from './protocol.ts';
import { withRepair } from './repair.ts';
import { createWorkers } from './workers.ts';

/** The entry of the worker process, which `WorkerConnection` starts. */
interface Running {
  settings: WorkerSettings;
  events: Events;
  worker: Worker;
}

const stack = new AsyncDisposableStack();
let running: Running | undefined;
let stopping = false;

function start(settings: WorkerSettings): Running {
  const { config, databaseUrl, directUrl, sessions, poolSize } = settings;
  const events = createEvents(createLogger(config.logLevel), 'worker');
  const pool = openPool(databaseUrl, (error) => events.failed('database', error), { poolSize, sessions });
  stack.defer(() => pool.end());
  const providers = createRegistry(config.accounts, config.providerTimeoutMs);
  const repairing = withRepair(events, () => notify({ type: 'function_missing' }));
  const sequencer = startSequencer(pool, repairing);
  stack.defer(() => sequencer.stop());
  const workers = createWorkers(
    {
      ...{ config, providers, pool, knex: knexOver(pool), directUrl, events: repairing },
      onCommitted: () => sequencer.wake(),
    },
    stack,
  );
  workers.start();
  notify({ type: 'started' });
  return { settings, events, worker: workers.messages };
}

async function report<Subject extends keyof Reports>(subject: Subject): Promise<Reports[Subject]> {
  const reports: { [Each in keyof Reports]: () => Reports[Each] | Promise<Reports[Each]> } = {
    accounts: () => running?.worker.accounts() ?? [],
    metrics: () => running?.events.registry.getMetricsAsJSON() ?? [],
  };
  return reports[subject]();
}

/** Completes the calls in flight and ends this process, after `STOP_TIMEOUT_MS` at the latest. */
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  setTimeout(() => process.exit(1), running?.settings.config.stopTimeoutMs).unref();
  await stack.disposeAsync();
  process.exit(0);
}

/** The service may have ended; `disconnect` reports this. */
function notify(notice: Notice): void {
  process.send?.(notice, () => undefined);
}

async function handle(command: Command): Promise<void> {
  if (command.type === 'start') running = start(command.settings);
  else if (command.type === 'wake') running?.worker.wake();
  else if (command.type === 'stop') await stop();
  else {
    const { id, subject } = command;
    notify({ type: 'report', id, content: await report(subject) });
  }
}

process.on('message', handle);
// The service was killed. On its own database, the next service repeats the messages of this worker, so their calls must
// not continue.
process.once('disconnect', () => {
  if (!running || running.settings.exclusive) process.exit(1);
  void stop();
});
// A process manager may send signals to every process. The service decides when the worker stops.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
