import type { ClaimOrder, Room } from '../../src/delivery/accounts/breaker.ts';

export interface ModelRow {
  id: number;
  status: string;
  /** Empty where the message is assigned to no provider. */
  provider: string;
  attempt_count: number;
  may_have_been_sent: boolean;
  dueAt: number;
}

/** A lane as `claim_deliveries` gets it: without rate limits, but a paused provider has no room. */
export interface ModelLane extends ClaimOrder, Room {
  heldBy: string;
  movable: boolean;
  provider: string;
}

interface Found {
  row: ModelRow;
  lane: ModelLane;
  n: number;
}

/** The choice of `claim_deliveries`, step by step: `due`, `in_kind`, `counted`, `allowed` and `chosen` of the function. */
export function chooseClaims(rows: ModelRow[], lanes: ModelLane[], wanted: Room, now: number): Found[] {
  const due = lanes.flatMap((lane, n) => [
    ...find(rows, lane, n, false, wanted, now),
    ...find(rows, lane, n, true, wanted, now),
  ]);
  const once = due.filter(({ row }, index) => due.findIndex((other) => other.row === row) === index);
  const allowed = [...new Set(once.map(({ lane }) => lane.provider))].flatMap((provider) => {
    const own = once.filter(({ lane }) => lane.provider === provider).sort(byLaneOrder);
    const retries = own.filter(({ row }) => isOld(row));
    const counted = own.filter((one) => !isOld(one.row) || retries.indexOf(one) < one.lane.retries);
    return counted.sort(byKind).slice(0, counted[0]?.lane.calls);
  });
  const byAge = allowed.sort((a, b) => a.row.dueAt - b.row.dueAt || a.n - b.n || a.row.id - b.row.id);
  const retries = byAge.filter(({ row }) => isOld(row));
  return byAge
    .filter((one) => !isOld(one.row) || retries.indexOf(one) < wanted.retries)
    .slice(0, Math.max(0, wanted.calls));
}

function find(
  rows: ModelRow[],
  lane: ModelLane,
  n: number,
  old: boolean,
  wanted: Room,
  now: number,
): Found[] {
  const limit = old ? Math.min(lane.calls, lane.retries, wanted.retries) : lane.calls;
  return rows
    .filter((row) => row.status === 'queued' && row.provider === lane.heldBy && row.dueAt <= now)
    .filter((row) => isOld(row) === old && !(lane.movable && row.may_have_been_sent))
    .map((row) => ({ row, lane, n }))
    .sort((a, b) => dueOrder(a) - dueOrder(b))
    .slice(0, Math.max(0, limit));
}

function isOld({ attempt_count }: ModelRow): boolean {
  return attempt_count > 0;
}

function dueOrder({ row, lane }: Found): number {
  return lane.newestFirst ? -row.dueAt : row.dueAt;
}

function byLaneOrder(a: Found, b: Found): number {
  return dueOrder(a) - dueOrder(b) || a.n - b.n || a.row.id - b.row.id;
}

/** Sorting is stable: messages of the same kind keep their order. */
function byKind(a: Found, b: Found): number {
  const { first } = a.lane;
  if (first === null) return 0;
  const difference = Number(isOld(a.row)) - Number(isOld(b.row));
  return first === 'new' ? difference : -difference;
}
