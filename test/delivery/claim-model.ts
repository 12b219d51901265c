import type { ClaimOrder, FreeSlots } from '../../src/delivery/accounts/breaker.ts';

export interface ModelRow {
  id: number;
  status: string;
  /** Empty if the message is assigned to no account. */
  provider: string;
  /** The accounts that can send the message; null if all can. */
  accounts: readonly string[] | null;
  attempt_count: number;
  may_have_been_sent: boolean;
  /** Whether the recipients can be checked against the ledger; only such messages are claimed. */
  isHashed: boolean;
  dueAt: number;
}

/** A route of `claim_deliveries` without rate limits; a paused account has no free slots. */
export interface ModelRoute extends ClaimOrder, FreeSlots {
  assignedTo: string;
  reassignable: boolean;
  preferred: readonly string[];
  provider: string;
}

interface Found {
  row: ModelRow;
  route: ModelRoute;
  n: number;
}

/** Chooses messages like `choose_deliveries`, with the same steps: `due`, `per_kind`, `counted`, `allowed` and `sized`. */
export function chooseClaims(
  rows: ModelRow[],
  routes: ModelRoute[],
  wanted: FreeSlots,
  now: number,
): Found[] {
  const due = routes.flatMap((route, n) => [
    ...find(rows, route, n, false, wanted, now),
    ...find(rows, route, n, true, wanted, now),
  ]);
  const once = due.filter(({ row }, index) => due.findIndex((other) => other.row === row) === index);
  const allowed = [...new Set(once.map(({ route }) => route.provider))].flatMap((provider) => {
    const own = once.filter(({ route }) => route.provider === provider).sort(byRouteOrder);
    const retries = own.filter(({ row }) => isRetried(row));
    const counted = own.filter((one) => !isRetried(one.row) || retries.indexOf(one) < one.route.retries);
    return counted.sort(byKind).slice(0, counted[0]?.route.calls);
  });
  const byAge = allowed.sort((a, b) => a.row.dueAt - b.row.dueAt || a.n - b.n || a.row.id - b.row.id);
  const retries = byAge.filter(({ row }) => isRetried(row));
  return byAge
    .filter((one) => !isRetried(one.row) || retries.indexOf(one) < wanted.retries)
    .slice(0, Math.max(0, wanted.calls));
}

function find(
  rows: ModelRow[],
  route: ModelRoute,
  n: number,
  retries: boolean,
  wanted: FreeSlots,
  now: number,
): Found[] {
  const limit = retries ? Math.min(route.calls, route.retries, wanted.retries) : route.calls;
  return rows
    .filter(
      (row) =>
        row.status === 'queued' && row.isHashed && row.provider === route.assignedTo && row.dueAt <= now,
    )
    .filter((row) => isRetried(row) === retries && (!route.reassignable || mayTakeOver(row, route)))
    .map((row) => ({ row, route, n }))
    .sort((a, b) => dueOrder(a) - dueOrder(b))
    .slice(0, Math.max(0, limit));
}

/** Like `is_claimable` and `is_reassignable`. A message without an assigned account is claimed by any account. */
function mayTakeOver({ may_have_been_sent, provider, accounts }: ModelRow, route: ModelRoute): boolean {
  if (may_have_been_sent) return false;
  if (provider === '') return true;
  if (accounts === null) return route.preferred.length === 0;
  return (
    accounts.length > 1 &&
    accounts.includes(route.provider) &&
    !route.preferred.some((account) => accounts.includes(account))
  );
}

function isRetried({ attempt_count }: ModelRow): boolean {
  return attempt_count > 0;
}

function dueOrder({ row, route }: Found): number {
  return route.newestFirst ? -row.dueAt : row.dueAt;
}

function byRouteOrder(a: Found, b: Found): number {
  return dueOrder(a) - dueOrder(b) || a.n - b.n || a.row.id - b.row.id;
}

/** Sorting is stable: messages of the same kind keep their order. */
function byKind(a: Found, b: Found): number {
  const { first } = a.route;
  if (first === null) return 0;
  const difference = Number(isRetried(a.row)) - Number(isRetried(b.row));
  return first === 'new' ? difference : -difference;
}
