import { AUTHORIZED, type Consumer, type ConsumerOptions, readInTurns, received } from './consumer.ts';

const TIMEOUT_MS = 10_000;

/** Reads `GET /api/events` after the position of the previous page. */
export function consumeByRest(options: ConsumerOptions): Consumer {
  const stopping = new AbortController();
  const signal = AbortSignal.any([options.signal, stopping.signal]);
  let position = 0;
  const consumer: Consumer = {
    events: [],
    interruptions: 0,
    position: () => position,
    stop: async () => {
      stopping.abort();
      await reading;
    },
  };
  const reading = readInTurns(
    { ...options, signal },
    async (url) => {
      const response = await fetch(`${url}/api/events?after=${position}&limit=200`, {
        headers: AUTHORIZED,
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      if (!response.ok) throw new Error(`GET /api/events: ${response.status}`);
      const page = (await response.json()) as { data: { id: number }[]; position: number };
      consumer.events.push(...page.data.map((event) => received(event, event.id)));
      position = page.position;
    },
    () => consumer.interruptions++,
  );
  return consumer;
}
