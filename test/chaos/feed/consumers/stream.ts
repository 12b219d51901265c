import { readFrames } from '../../../support/event-stream.ts';
import { AUTHORIZED, type Consumer, type ConsumerOptions, readInTurns, received } from './consumer.ts';

/** Reads `GET /api/events/stream`, and continues at another process with `Last-Event-ID` when the connection is lost. */
export function consumeByStream(options: ConsumerOptions): Consumer {
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
      const response = await fetch(`${url}/api/events/stream`, {
        headers: { ...AUTHORIZED, 'last-event-id': `${position}` },
        signal,
      });
      if (!response.ok) throw new Error(`GET /api/events/stream: ${response.status}`);
      for await (const { event, id, data } of readFrames(response)) {
        if (event === 'resync') throw new Error(`The feed does not have the events after ${position}.`);
        if (data !== undefined) consumer.events.push(received(JSON.parse(data), id));
        position = id;
      }
      throw new Error('The stream ended.');
    },
    () => consumer.interruptions++,
  );
  return consumer;
}
