import { setTimeout as sleep } from 'node:timers/promises';
import { createAddressHash } from '../../src/consent/key.ts';
import { suppress } from '../support/suppressions.ts';
import type { Sent } from './checker/evidence.ts';
import { consentKey } from './service.ts';

const RETRY_MS = 100;
const hashAddress = createAddressHash(consentKey);

/** Suppresses the recipients of a message, and repeats this while the database is unavailable. */
export async function suppressRecipients(
  databaseUrl: string,
  { request }: Sent,
  signal: AbortSignal,
): Promise<void> {
  for (const address of [request.to].flat())
    while (!signal.aborted) {
      const failed = await suppress(databaseUrl, address, {}, hashAddress).then(
        () => false,
        () => true,
      );
      if (!failed) break;
      await sleep(RETRY_MS);
    }
}
