const PAIRS = 20_000;
let made = 0;

/** Every message is another one, spread over 20,000 conversations of one business number. */
export function outbound(): Record<string, unknown> {
  const n = ++made;
  return {
    from: '+12016661234',
    to: customer(n),
    type: 'sms',
    body: `Your order ${n} is on its way.`,
    timestamp: '2024-11-01T14:00:00Z',
  };
}

export function inbound(): Record<string, unknown> {
  const n = ++made;
  const message = {
    from: customer(n),
    to: '+12016661234',
    type: 'sms',
    body: `Where is my order ${n}?`,
    timestamp: '2024-11-01T14:00:00Z',
  };
  return { ...message, attachments: null, messaging_provider_id: `bench-${n}` };
}

export function customer(n: number): string {
  return `+1804${5_550_000 + (n % PAIRS)}`;
}
