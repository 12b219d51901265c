import { type Call, type ChaosEvent, type Evidence, tokenIn } from './evidence.ts';

/** Something that was to be done to the service: how often or, where it is a part of the sends, from 0 to 1. */
export interface Deed {
  what: string;
  planned: number;
  was: number;
}

const CHANNELS = ['sms', 'email'];
const FAULTS = ['latency', 'timeout', 'reset', 'status', 'malformed', 'lost_response'];

/** What was done, by what the driver and the simulated providers noted. */
export function deedsOf(evidence: Evidence): Deed[] {
  const { plan, events, calls } = evidence;
  const count = (wanted: ChaosEvent['kind']) => events.filter(({ kind }) => kind === wanted).length;
  const failing = keysOfFailing(evidence);
  const allSends = calls.filter((call) => call.method === 'POST' && !duringOutage(evidence, call));
  const sends = allSends.filter(({ idempotency_key }) => !failing.has(idempotency_key));
  const struck = (faults: string[]) => sends.filter(({ fault }) => fault !== null && faults.includes(fault));
  const part = (faults: string[]) => struck(faults).length / Math.max(1, sends.length);
  const onEach = (fault: string) =>
    Math.min(...CHANNELS.map((channel) => struck([fault]).filter((call) => call.channel === channel).length));
  return [
    { what: 'workers killed', planned: plan.workerKills, was: count('worker killed') },
    { what: '  of them while the rest drained', planned: plan.drainKills, was: killsInDrain(evidence) },
    { what: 'API processes killed', planned: plan.apiKills, was: count('api killed') },
    { what: 'databases restarted', planned: plan.databaseRestarts, was: count('database up') },
    {
      what: `providers away for ${plan.outageMs / 1_000} s, and called`,
      planned: plan.providerOutages,
      was: outages(evidence),
    },
    {
      what: 'part of the sends that failed',
      planned: plan.failing,
      was: part(FAULTS.filter((fault) => fault !== 'latency')),
    },
    { what: 'part of the sends whose answer was lost', planned: plan.lost, was: part(['lost_response']) },
    {
      what: 'sends to recipients for whom the provider fails',
      planned: evidence.sent.filter((sent) => sent.failing !== null && sent.n === 0).length,
      was: allSends.length - sends.length,
    },
    ...FAULTS.map((fault) => ({
      what: `sends on each channel struck by ${fault}`,
      planned: plan.ofEachFault,
      was: onEach(fault),
    })),
  ];
}

function keysOfFailing({ sent, stored }: Evidence): Set<string | null> {
  const tokens = new Set(sent.filter(({ failing }) => failing !== null).map(({ token }) => token));
  const messages = stored.messages.filter(({ body }) => tokens.has(tokenIn(body) ?? ''));
  return new Set(messages.map(({ delivery_key }) => delivery_key));
}

/** While something was left to be settled, of what was all acknowledged. */
function killsInDrain({ events, stored }: Evidence): number {
  const from = events.find(({ kind }) => kind === 'all acknowledged')?.at ?? Number.POSITIVE_INFINITY;
  const to = stored.changes.findLast(({ old }) => old === 'queued' || old === 'sending')?.at ?? 0;
  return events.filter(({ kind, at }) => kind === 'worker killed' && at >= from && at <= to).length;
}

/** Those that lasted as long as planned, and that the service met. */
function outages({ events, calls, plan }: Evidence): number {
  return events.filter((back, index) => {
    if (back.kind !== 'provider back') return false;
    const away = events.slice(0, index).findLast(({ kind }) => kind === 'provider away');
    if (away?.detail !== back.detail || back.at - away.at < plan.outageMs) return false;
    return calls.some(
      ({ channel, at, fault }) =>
        channel === away.detail && at >= away.at && at <= back.at && fault !== null && fault !== 'latency',
    );
  }).length;
}

function duringOutage({ events }: Evidence, { channel, at }: Call): boolean {
  const before = events.filter(
    (event) => event.at <= at && event.kind.startsWith('provider') && event.detail === channel,
  );
  return before.at(-1)?.kind === 'provider away';
}
