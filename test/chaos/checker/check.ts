import { type Coverage, coverageOf } from './coverage.ts';
import { type Call, type Evidence, type StoredAttempt, tokenIn } from './evidence.ts';
import { factsOf, keyOf } from './facts.ts';
import { RULES } from './rules/index.ts';
import { recipientOfLookUp } from './twilio.ts';

export interface Report {
  coverage: Coverage[];
  rules: { rule: string; checked: number; violations: string[] }[];
  /** The tokens of the messages whose status is `unknown`. */
  unknown: string[];
  /** The number of violations of all rules. */
  violations: number;
}

/** Compares the responses to the clients, the database and the messages that the providers accepted. */
export function check(evidence: Evidence): Report {
  const facts = factsOf(evidence);
  const rules = Object.entries(RULES).map(([rule, apply]) => ({ rule, ...apply(facts) }));
  const unknown = evidence.stored.messages.filter(({ status }) => status === 'unknown');
  return {
    coverage: coverageOf(facts),
    rules,
    unknown: unknown.map(({ body }) => tokenIn(body) ?? 'no token'),
    violations: rules.reduce((sum, { violations }) => sum + violations.length, 0),
  };
}

/** The maximum number of violations that the table lists for each rule. */
const LISTED = 20;

/** The disruptions, and the rules with the violations of each, as tables. */
export function toTable(report: Report): string {
  return `${coverageTable(report)}\n\n${rulesTable(report)}`;
}

function coverageTable({ coverage }: Report): string {
  const width = Math.max(...coverage.map(({ name }) => name.length));
  const line = (name: string, minimum: string, actual: string) =>
    `${name.padEnd(width)}  ${minimum.padStart(10)}  ${actual.padStart(8)}`;
  const rows = coverage.map(({ name, minimum, actual }) =>
    line(name, formatted(name, minimum), formatted(name, actual)),
  );
  return [line('disruption', 'minimum', 'actual'), ...rows].join('\n');
}

function formatted(name: string, value: number): string {
  return name.startsWith('share') ? `${(100 * value).toFixed(1)} %` : String(value);
}

function rulesTable({ rules, unknown }: Report): string {
  const width = Math.max(...rules.map(({ rule }) => rule.length));
  const line = (rule: string, checked: string, violations: string) =>
    `${rule.padEnd(width)}  ${checked.padStart(8)}  ${violations.padStart(10)}`;
  const lines = rules.flatMap(({ rule, checked, violations }) => [
    line(rule, String(checked), violations.length === 0 ? 'ok' : String(violations.length)),
    ...shortened(violations).map((violation) => `    ${violation}`),
  ]);
  const footer = unknown.length > 0 ? [`${unknown.length} unknown: ${shortened(unknown).join(' ')}`] : [];
  return [line('rule', 'checked', 'violations'), ...lines, ...footer].join('\n');
}

function shortened(list: string[]): string[] {
  const more = list.length - LISTED;
  return more > 0 ? [...list.slice(0, LISTED), `… and ${more} more`] : list;
}

/** The status changes, attempts, calls and events of one message in the order of time, to explain a violation. */
export function timeline(evidence: Evidence, token: string): string[] {
  const { stored, calls, accepted, events } = evidence;
  const message = stored.messages.find(({ body }) => tokenIn(body) === token);
  if (!message) return [`${token}: is not stored`];
  const entries: { at: number; text: string }[] = [
    ...stored.changes
      .filter(({ message_id }) => message_id === message.id)
      .map((change) => ({ at: change.at, text: `status ${change.old} → ${change.new}` })),
    ...stored.attempts
      .filter(({ message_id }) => message_id === message.id)
      .map((attempt) => ({
        at: attempt.started_at,
        text: `attempt ${attempt.number}, ${durationOf(attempt)}: ${attempt.outcome} ${attempt.code ?? attempt.provider_message_id ?? ''}`,
      })),
    ...stored.receipts
      .filter(({ message_id }) => message_id === message.id)
      .map((receipt) => ({ at: receipt.received_at, text: `receipt ${receipt.status}` })),
    ...calls
      .filter((call) => keyOf(call) === message.delivery_key || recipientOfLookUp(call) === message.to[0])
      .map((call) => ({ at: call.at, text: describe(call) })),
  ];
  const [first, last] = [Math.min(...entries.map(({ at }) => at)), Math.max(...entries.map(({ at }) => at))];
  for (const { at, kind, detail } of events)
    if (at >= first && at <= last) entries.push({ at, text: `      (${kind}: ${detail})` });
  const ids = accepted
    .filter(({ request }) => tokenIn(request.body) === token)
    .map(({ id, sequence }) => `${id} #${sequence}`);
  return [
    `${token}: message ${message.id}, ${message.status}, accepted as ${ids.join(', ') || 'nothing'}`,
    ...entries.sort((a, b) => a.at - b.at).map(({ at, text }) => `  ${new Date(at).toISOString()} ${text}`),
  ];
}

const durationOf = ({ duration_ms }: StoredAttempt) =>
  duration_ms === null ? 'unknown duration' : `${Math.round(duration_ms)} ms`;

function describe({ method, fault, status }: Call): string {
  const cause = fault ? `, fault ${fault}` : '';
  return `${method === 'GET' ? 'look-up' : 'send'}: ${status ?? 'no response'}${cause}`;
}
