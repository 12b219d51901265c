import fc from 'fast-check';
import { type State, TRANSITIONS } from '../../../src/delivery/states/table.ts';

/** An email to several recipients at a mail server that can refuse some of them. The account cannot resolve an unknown outcome. */
export interface PartlyModel {
  state: State;
  /** The status of each recipient; null for a recipient without a status of its own, who has that of the message. */
  own: (State | null)[];
  /** Whether the id at the mail server is known. */
  hasId: boolean;
}

/** The answers of the server about each recipient who waits, or one outcome for all of them. */
export type Attempt = Answer[] | (typeof WHOLE)[number];
export type Step =
  | { attempt: Attempt }
  | { retry: true }
  | { receipt: 'delivered' | 'bounced'; recipient: number };

type Answer = 'accepts' | 'refuses' | 'defers';
const WHOLE = ['rejected', 'throttled', 'unavailable', 'unknown'] as const;

/** Sequences of steps for a message to `size` recipients. */
export function sequences(size: number): fc.Arbitrary<Step[]> {
  const answer = fc.constantFrom<Answer>('accepts', 'refuses', 'defers');
  const answers = fc.array(answer, { minLength: size, maxLength: size });
  const attempt = fc.oneof({ weight: 3, arbitrary: answers }, fc.constantFrom(...WHOLE));
  const receipt = fc.record({
    receipt: fc.constantFrom('delivered' as const, 'bounced' as const),
    recipient: fc.nat(size - 1),
  });
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ attempt }) },
    fc.constant<Step>({ retry: true }),
    receipt,
  );
  return fc.array<Step>(step, { minLength: 1, maxLength: 10 });
}

/** Whether the step can follow: a server that accepts the message for nobody refuses it as a whole. */
export function isPossible({ state, own, hasId }: PartlyModel, step: Step): boolean {
  if ('receipt' in step) return hasId;
  if ('retry' in step) return TRANSITIONS[state].retry !== state;
  const accepts = (n: number) => own[n] === null && step.attempt[n] === 'accepts';
  return state === 'queued' && (typeof step.attempt === 'string' || own.some((_own, n) => accepts(n)));
}

export function apply(model: PartlyModel, step: Step): void {
  if ('receipt' in step) report(model, step);
  else if ('retry' in step) retry(model);
  else if (typeof step.attempt === 'string') attemptAll(model, step.attempt);
  else attemptEach(model, step.attempt);
}

function attemptEach(model: PartlyModel, answers: readonly Answer[]): void {
  const open = answers.filter((_answer, n) => model.own[n] === null);
  const isPartly = open.some((answer) => answer !== 'accepts') || open.length < model.own.length;
  const states = { accepts: 'sent', refuses: 'failed', defers: null } as const;
  if (isPartly) model.own = model.own.map((own, n) => own ?? states[answers[n] as Answer]);
  model.hasId = true;
  model.state = TRANSITIONS.sending[open.includes('defers') ? 'partly_accepted' : 'accepted'];
}

function attemptAll(model: PartlyModel, outcome: (typeof WHOLE)[number]): void {
  model.state = TRANSITIONS.sending[outcome === 'unknown' ? 'unknown_unresolvable' : outcome];
  if (outcome !== 'rejected' || model.own.every((own) => own === null)) return;
  model.own = model.own.map((own) => own ?? 'failed');
  model.state = summaryOf(model.own);
}

function retry(model: PartlyModel): void {
  const isReached = (own: State | null) => own === 'sent' || own === 'delivered';
  const keepsReached = model.state === 'unknown';
  model.own = model.own.map((own) => (keepsReached && isReached(own) ? own : null));
  model.hasId = model.own.some(isReached);
  model.state = 'queued';
}

function report(model: PartlyModel, { receipt, recipient }: Extract<Step, { receipt: string }>): void {
  const isOpen = model.state === 'queued' || model.state === 'unknown';
  if (!isOpen) model.own = model.own.map((own) => own ?? model.state);
  const own = model.own[recipient] ?? null;
  if (own === null) return;
  model.own[recipient] = TRANSITIONS[own][`receipt_${receipt}`];
  if (!isOpen) model.state = summaryOf(model.own);
}

function summaryOf(states: readonly (State | null)[]): State {
  if (states.includes('sent')) return 'sent';
  const [first, ...others] = [...new Set(states)];
  return first != null && others.length === 0 ? first : 'undelivered';
}
