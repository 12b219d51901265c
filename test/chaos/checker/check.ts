import { type Deed, deedsOf } from './deeds.ts';
import { type Call, type Evidence, type StoredAttempt, tokenIn } from './evidence.ts';
import { factsOf } from './facts.ts';
import { RULES } from './rules.ts';

export interface Report {
  /** What was done to the service. */
  deeds: Deed[];
  rules: { rule: string; checked: number; violations: string[] }[];
  /** The tokens of the messages that nobody can tell about. */
  unknown: string[];
  violations: number;
}

/** Holds what clients were told, what is stored and what was taken against each other. */
export function check(evidence: Evidence): Report {
  const facts = factsOf(evidence);
  const rules = Object.entries(RULES).map(([rule, hold]) => ({ rule, ...hold(facts) }));
  const unknown = evidence.stored.messages.filter(({ status }) => status === 'unknown');
  return {
    deeds: deedsOf(evidence),
    rules,
    unknown: unknown.map(({ body }) => tokenIn(body) ?? 'no token'),
    violations: rules.reduce((sum, { violations }) => sum + violations.length, 0),
  };
}

const NAMED = 20;

/** What was done, and the rules with the violations of each, as tables. */
export function toTable(report: Report): string {
  return `${deedsTable(report)}\n\n${rulesTable(report)}`;
}

function deedsTable({ deeds }: Report): string {
  const width = Math.max(...deeds.map(({ what }) => what.length));
  const line = (what: string, planned: string, was: string) =>
    `${what.padEnd(width)}  ${planned.padStart(10)}  ${was.padStart(8)}`;
  const written = ({ what, planned, was }: Deed) => line(what, inWords(what, planned), inWords(what, was));
  return [line('what was done', 'at least', 'was'), ...deeds.map(written)].join('\n');
}

function inWords(what: string, value: number): string {
  return what.startsWith('part') ? `${(100 * value).toFixed(1)} %` : String(value);
}

function rulesTable({ rules, unknown }: Report): string {
  const width = Math.max(...rules.map(({ rule }) => rule.length));
  const line = (rule: string, checked: string, violations: string) =>
    `${rule.padEnd(width)}  ${checked.padStart(8)}  ${violations.padStart(10)}`;
  const lines = rules.flatMap(({ rule, checked, violations }) => [
    line(rule, String(checked), violations.length === 0 ? 'ok' : String(violations.length)),
    ...named(violations).map((violation) => `    ${violation}`),
  ]);
  const aside = unknown.length > 0 ? [`${unknown.length} unknown: ${named(unknown).join(' ')}`] : [];
  return [line('rule', 'checked', 'violations'), ...lines, ...aside].join('\n');
}

function named(violations: string[]): string[] {
  const more = violations.length - NAMED;
  return more > 0 ? [...violations.slice(0, NAMED), `… and ${more} more`] : violations;
}

/** Everything that is known about one message, by time: the history of a violation. */
export function timeline(evidence: Evidence, token: string): string[] {
  const { stored, calls, taken, events } = evidence;
  const message = stored.messages.find(({ body }) => tokenIn(body) === token);
  if (!message) return [`${token}: is not stored`];
  const moments: { at: number; what: string }[] = [
    ...stored.changes
      .filter(({ message_id }) => message_id === message.id)
      .map((change) => ({ at: change.at, what: `status ${change.old} → ${change.new}` })),
    ...stored.attempts
      .filter(({ message_id }) => message_id === message.id)
      .map((attempt) => ({
        at: attempt.started_at,
        what: `attempt ${attempt.number}, ${tookOf(attempt)}: ${attempt.outcome} ${attempt.code ?? attempt.provider_message_id ?? ''}`,
      })),
    ...calls
      .filter((call) => isOf(call, message.delivery_key))
      .map((call) => ({ at: call.at, what: told(call) })),
  ];
  const [first, last] = [Math.min(...moments.map(({ at }) => at)), Math.max(...moments.map(({ at }) => at))];
  for (const { at, kind, detail } of events)
    if (at >= first && at <= last) moments.push({ at, what: `      (${kind}: ${detail})` });
  const ids = taken
    .filter(({ request }) => tokenIn(request.body) === token)
    .map((one) => `${one.id} #${one.sequence}`);
  return [
    `${token}: message ${message.id}, ${message.status}, taken as ${ids.join(', ') || 'nothing'}`,
    ...moments.sort((a, b) => a.at - b.at).map(({ at, what }) => `  ${new Date(at).toISOString()} ${what}`),
  ];
}

function isOf({ idempotency_key, path }: Call, key: string | null): boolean {
  return key !== null && (idempotency_key === key || path.includes(key));
}

const tookOf = ({ duration_ms }: StoredAttempt) =>
  duration_ms === null ? 'nobody knows how long' : `${Math.round(duration_ms)} ms`;

function told({ method, fault, status }: Call): string {
  const struck = fault ? `, struck by ${fault}` : '';
  return `${method === 'GET' ? 'look-up' : 'send'}: ${status ?? 'no answer'}${struck}`;
}
