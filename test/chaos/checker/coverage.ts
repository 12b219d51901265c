import { type Call, type ChaosEvent, type Evidence, tokenIn } from './evidence.ts';
import { type Facts, keyOf } from './facts.ts';
import { LOST_RESPONSE, statesOf } from './states.ts';

/** A kind of disruption: a number of times or, for a share of the sends, a number from 0 to 1. */
export interface Coverage {
  name: string;
  minimum: number;
  actual: number;
}

/** A mail server has no faults of HTTP, and no latency. */
const SMTP_FAULTS = ['timeout', 'reset', 'status', 'lost_response'];
const FAULTS = ['latency', 'timeout', 'reset', 'status', 'malformed', 'lost_response'];

/** Counts the disruptions of a run in the events of the driver and the calls of the simulated providers. */
export function coverageOf(evidence: Facts): Coverage[] {
  const { plan, events, calls } = evidence;
  const count = (wanted: ChaosEvent['kind']) => events.filter(({ kind }) => kind === wanted).length;
  const failing = failingKeys(evidence);
  const failingAddresses = new Set(
    evidence.sent.filter((sent) => sent.failing !== null).flatMap(({ request }) => request.to),
  );
  const isFailing = (call: Call) =>
    failing.has(keyOf(call)) || call.recipients?.some((address) => failingAddresses.has(address));
  const isSmtp = evidence.modes.email === 'smtp';
  const allSends = calls.filter((call) => call.method === 'POST' && !duringOutage(evidence, call));
  const sends = allSends.filter((call) => !isFailing(call));
  const withFault = (faults: string[]) =>
    sends.filter(({ fault }) => fault !== null && faults.includes(fault));
  const share = (faults: string[]) => withFault(faults).length / Math.max(1, sends.length);
  const onEachChannel = (fault: string) =>
    Math.min(
      ...Object.keys(evidence.modes).map(
        (channel) => withFault([fault]).filter((call) => call.channel === channel).length,
      ),
    );
  return [
    { name: 'workers killed', minimum: plan.workerKills, actual: count('worker killed') },
    {
      name: 'workers killed while the backlog drained',
      minimum: plan.drainKills,
      actual: drainKills(evidence),
    },
    { name: 'API processes killed', minimum: plan.apiKills, actual: count('api killed') },
    { name: 'database restarts', minimum: plan.databaseRestarts, actual: count('database up') },
    {
      name: `provider outages of ${plan.outageMs / 1_000} s with calls`,
      minimum: plan.providerOutages,
      actual: outages(evidence),
    },
    {
      name: 'share of the sends that failed',
      minimum: plan.failing,
      actual: share(FAULTS.filter((fault) => fault !== 'latency')),
    },
    { name: 'share of the sends with a lost response', minimum: plan.lost, actual: share(['lost_response']) },
    {
      name: 'sends to recipients for whom the provider fails',
      minimum: evidence.sent.filter((sent) => sent.failing !== null && sent.n === 0).length,
      actual: allSends.length - sends.length,
    },
    {
      name: 'messages that were stopped while they waited',
      minimum: plan.ofEachState,
      actual: evidence.stored.messages.filter(({ error }) => error?.code === 'recipient_suppressed').length,
    },
    ...(isSmtp ? SMTP_FAULTS : FAULTS).map((fault) => ({
      name: `sends on each channel with the fault ${fault}`,
      minimum: plan.ofEachFault,
      actual: onEachChannel(fault),
    })),
    ...Object.entries(statesOf(evidence)).map(([name, actual]) => ({
      name,
      minimum: isSmtp && name !== LOST_RESPONSE ? 0 : plan.ofEachState,
      actual,
    })),
  ];
}

/** The delivery keys of the messages to recipients for whom the provider fails. */
function failingKeys({ sent, stored }: Evidence): Set<string | null> {
  const tokens = new Set(sent.filter(({ failing }) => failing !== null).map(({ token }) => token));
  const messages = stored.messages.filter(({ body }) => tokens.has(tokenIn(body) ?? ''));
  return new Set(messages.map(({ delivery_key }) => delivery_key));
}

/** The number of workers killed after the last acknowledgement and before the last message was settled. */
function drainKills({ events, stored }: Evidence): number {
  const from = events.find(({ kind }) => kind === 'all acknowledged')?.at ?? Number.POSITIVE_INFINITY;
  const to = stored.changes.findLast(({ old }) => old === 'queued' || old === 'sending')?.at ?? 0;
  return events.filter(({ kind, at }) => kind === 'worker killed' && at >= from && at <= to).length;
}

/** The number of outages that lasted as long as planned and in which the service called the provider. */
function outages({ events, calls, plan }: Evidence): number {
  return events.filter((up, index) => {
    if (up.kind !== 'provider up') return false;
    const down = events.slice(0, index).findLast(({ kind }) => kind === 'provider down');
    if (down?.detail !== up.detail || up.at - down.at < plan.outageMs) return false;
    return calls.some(
      ({ channel, at, fault }) =>
        channel === down.detail && at >= down.at && at <= up.at && fault !== null && fault !== 'latency',
    );
  }).length;
}

function duringOutage({ events }: Evidence, { channel, at }: Call): boolean {
  const before = events.filter(
    (event) => event.at <= at && event.kind.startsWith('provider') && event.detail === channel,
  );
  return before.at(-1)?.kind === 'provider down';
}
