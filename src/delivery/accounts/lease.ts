import { LEASE_MARGIN_MS } from '../../outbox/settle.ts';
import type { Provider } from '../../providers/provider.ts';

/** Max duration of the fetches and reads of the files of one message, in milliseconds. */
export const FILES_MS = 30_000;

/**
 * The leases of claims for an account, in milliseconds, for messages and for emails with files or a large text: longer than any
 * attempt, because another worker may claim the message afterwards.
 */
export function leaseOf({
  longestAttemptMs,
  longestLargeAttemptMs = longestAttemptMs,
  capabilities,
}: Provider) {
  const filesMs = capabilities.attachmentsBy.includes('url') ? 0 : FILES_MS;
  return {
    lease_ms: longestAttemptMs + LEASE_MARGIN_MS,
    large_lease_ms: longestLargeAttemptMs + filesMs + LEASE_MARGIN_MS,
  };
}
