import { type Mode, type Modes, namesMessages, type Request, type Sent } from './checker/evidence.ts';
import { addressOf, failingOf } from './failing.ts';
import type { ChaosSettings } from './settings.ts';

const SHOP = { sms: '+12016661234', email: 'shop@example.com' };
const START = Date.UTC(2024, 10, 1, 14);
const TEXTS = [
  'Your order is on its way.',
  'Grüße aus Köln — 50 % auf alles! 🎉',
  'Two\nlines, a "quote", a \\ and a\ttab',
  '<p>html is <b>allowed</b> &amp; kept</p>',
  `A longer one: ${'tell me more '.repeat(30)}`,
];

/**
 * Creates the messages of all conversations, each list in the order of sending. The channels have the same number of
 * conversations. Some conversations have several recipients, except at the kinds of SMS. A few have a recipient that the provider
 * refuses, or a recipient for whom the provider fails. With `stops`, some recipients become suppressed after the last message.
 */
export function makeWorkload(
  { modes, conversations, messagesEach }: Pick<ChaosSettings, 'modes' | 'conversations' | 'messagesEach'>,
  random: () => number,
  stops = false,
): Sent[][] {
  const channels = Object.keys(modes) as (keyof Modes)[];
  return Array.from({ length: conversations }, (_, conversation) => {
    const channel = channels[conversation % channels.length];
    const failing = failingOf(Math.floor(conversation / channels.length));
    const people =
      channel === 'email'
        ? mailboxes(conversation, failing, modes.email)
        : phones(conversation, failing, !namesMessages(modes.sms));
    return Array.from({ length: messagesEach }, (_, n) => {
      const token = `${conversation}-${n}`;
      return {
        token,
        key: `chaos ${token}`,
        conversation,
        n,
        request: makeRequest(token, people, START + conversation * 60_000 + n * 1_001, random, modes.email),
        answersPrevious: n > 0 && people.email && !isOfStandardKind(modes.email),
        addresses: [...new Set([people.from, ...[people.to].flat(), ...(people.cc ?? [])])],
        refused: people.refused,
        failing,
        // Neither a group nor refused.
        stopped: stops && failing === null && conversation % 10 < 2,
        acknowledgements: [],
        unexpected: [],
      };
    });
  });
}

type People = Pick<Request, 'from' | 'to' | 'cc'> & { email: boolean; refused: boolean };

function phones(n: number, failing: string | null, hasGroups: boolean): People {
  if (failing !== null)
    return { from: SHOP.sms, to: addressOf('sms', failing, n), email: false, refused: false };
  const refused = n % 50 === 6;
  const own = refused ? `+1${201 + n}0000009` : `+1804555${1_000 + n}`;
  const to = hasGroups && n % 20 === 4 ? [own, `+1805555${1_000 + n}`, '+18065551000'] : own;
  return { from: SHOP.sms, to, email: false, refused };
}

function mailboxes(n: number, failing: string | null, mode: Mode | undefined): People {
  if (failing !== null)
    return { from: SHOP.email, to: addressOf('email', failing, n), email: true, refused: false };
  const refused = n % 50 === 7;
  const own = refused ? `reject@c${n}.example.com` : `customer-${n}@example.com`;
  const several = isOfStandardKind(mode) ? n % 20 === 5 : n % 5 === 3;
  return {
    from: SHOP.email,
    to: several ? [own, partnerOf(n, mode)] : own,
    ...(several && {
      cc: mode === 'smtp' && n % 10 === 3 ? [`reject@c${n}.example.net`] : ['boss@example.net'],
    }),
    email: true,
    refused,
  };
}

/** A recipient who has an outcome of its own, except at the standard kind. */
function partnerOf(n: number, mode: Mode | undefined): string {
  if (isOfStandardKind(mode)) return `partner-${n}@example.org`;
  return `${mode === 'smtp' ? 'greylist' : n % 10 === 3 ? 'bounce' : 'delayed'}@p${n}.example.org`;
}

function isOfStandardKind(mode: Mode | undefined): boolean {
  return mode === 'keys' || mode === 'lookup' || mode === 'neither';
}

/** The emails of other kinds have no files, which would have to be loaded, and always a subject, which some of them require. */
function makeRequest(
  token: string,
  people: People,
  at: number,
  random: () => number,
  mode: Mode | undefined,
): Request {
  const { from, to, cc, email } = people;
  const text = TEXTS[Math.floor(random() * TEXTS.length)];
  const isStandard = isOfStandardKind(mode);
  const attachments = (email ? isStandard : random() < 0.2) ? [`https://example.com/${token}.pdf`] : [];
  const group = Array.isArray(to);
  return {
    type: email ? 'email' : attachments.length > 0 || group ? 'mms' : 'sms',
    from,
    to,
    ...(cc && { cc }),
    ...(email && (!isStandard || random() < 0.5) && { subject: `About ${token}` }),
    body: `${text} [chaos:${token}]`,
    attachments,
    timestamp: new Date(at).toISOString(),
    metadata: { token },
  };
}
