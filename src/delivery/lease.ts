import { LEASE_MARGIN_MS } from '../outbox/settle.ts';
import { FILES_MS } from './attempt/file-contents.ts';
import type { LeaseMsOf } from './claim.ts';

/** The longest attempt at the account, with the time in which files are fetched if the account takes their content. */
export const leaseMsOf: LeaseMsOf = ({ longestAttemptMs, capabilities }) => {
  const filesMs = capabilities.attachmentsBy.includes('url') ? 0 : FILES_MS;
  return longestAttemptMs + filesMs + LEASE_MARGIN_MS;
};
