import type { TimelineEntry } from '../../sdk/src/index.ts';
import type { Harness } from './harness.ts';

type Of<Type extends TimelineEntry['type']> = Extract<TimelineEntry, { type: Type }>;

/** The timeline of a message, with its entries grouped by type. */
export async function timelineOf(service: Pick<Harness, 'request'>, id: number) {
  const { body } = await service.request('GET', `/api/messages/${id}/timeline?limit=200`);
  const entries = body.data as TimelineEntry[];
  const of = <Type extends TimelineEntry['type']>(type: Type) =>
    entries.filter((entry) => entry.type === type) as Of<Type>[];
  return {
    entries,
    statuses: of('status').map(({ status }) => status),
    attempts: of('attempt').map(({ attempt }) => attempt),
    receipts: of('receipt').map(({ receipt }) => receipt),
    actions: of('action').map(({ action }) => action),
  };
}
