import { traceAttempt } from '../../../observability/tracing.ts';
import type { EventRow, Resources } from '../../event.ts';
import { presentEvents } from '../../present.ts';
import type { EndpointResult, EndpointSender } from '../send.ts';
import type { Claimed } from './claim.ts';

/** The JSON of events by their positions. An event that is in neither has no content any more. */
export interface Bodies {
  texts: Map<number, string>;
  /** The events that could not be rendered. */
  failed: Set<number>;
}

/** Renders the events of claimed deliveries, each once, with their present content. */
export async function renderBodies(
  claims: readonly Claimed[],
  resources: Resources,
  onError: (error: unknown) => void,
): Promise<Bodies> {
  const rows = [...new Map(claims.flatMap(toEvent).map((row) => [row.id, row])).values()];
  const failed = new Set<number>();
  const renderEach = (row: EventRow) =>
    presentEvents([row], resources).catch((error) => {
      onError(error);
      failed.add(row.id);
      return [];
    });
  // An event that cannot be rendered does not prevent the others.
  const events = await presentEvents(rows, resources).catch(async () =>
    (await Promise.all(rows.map(renderEach))).flat(),
  );
  return { texts: new Map(events.map((event) => [event.id, JSON.stringify(event)])), failed };
}

function toEvent({ event_id, type, ...claimed }: Claimed): EventRow[] {
  if (type === null) return [];
  const { subject_id, conversation_id, changes, created_at } = claimed;
  return [{ id: event_id, type, subject_id, conversation_id, changes, created_at }];
}

/** Sends an event to its endpoint, in a span of its own trace. */
export function attemptDelivery(
  sender: EndpointSender,
  claimed: Claimed,
  body: string,
  signal: AbortSignal,
): Promise<EndpointResult> {
  const { endpoint_id: endpointId, event_id: eventId, number, traceparent, url, secret } = claimed;
  const secrets = claimed.previous_secret === null ? [secret] : [secret, claimed.previous_secret];
  return traceAttempt({ endpointId, eventId, number, traceparent }, () =>
    sender.send({ url, id: `evt_${eventId}`, body, secrets }, signal),
  );
}
