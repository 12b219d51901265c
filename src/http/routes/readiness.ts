import type { AccountReport, ChannelReport } from '../../delivery/accounts/report.ts';
import type { Schema } from '../../openapi/types.ts';
import type { Handlers } from '../auth/caller.ts';
import type { Context } from './context.ts';

/** The readiness of the service; with `verbose` and credentials, also the queue and the accounts of each channel. */
export function readinessHandler({
  assertReady,
  reportChannels,
}: Pick<Context, 'assertReady' | 'reportChannels'>): Handlers['getReadiness'] {
  return async ({ caller, query }) => {
    const verbose = query.verbose !== undefined && query.verbose !== 'false';
    if (verbose && caller.type === 'anonymous') throw caller.refusal;
    await assertReady();
    if (!verbose) return { status: 200, body: { status: 'ok' } };
    const channels = (await reportChannels()).map(presentChannel);
    return { status: 200, body: { status: 'ok', checks: { database: 'ok', migrations: 'ok' }, channels } };
  };
}

function presentChannel({
  channel,
  queued,
  oldestQueuedAt,
  accounts,
}: ChannelReport): Schema<'ChannelHealth'> {
  return {
    channel,
    queued,
    oldest_queued_at: oldestQueuedAt?.toISOString() ?? null,
    accounts: accounts.map(presentAccount),
  };
}

function presentAccount({
  name,
  breaker,
  since,
  lastError,
  assigned,
}: AccountReport): Schema<'AccountHealth'> {
  return {
    name,
    breaker,
    since: since?.toISOString() ?? null,
    last_error: lastError && {
      code: lastError.code,
      detail: lastError.detail,
      http_status: lastError.httpStatus,
      at: lastError.at.toISOString(),
    },
    assigned,
  };
}
