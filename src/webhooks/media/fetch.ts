import type { MediaClient } from '../../media/fetching/client.ts';
import { tooLarge } from '../../media/fetching/failure.ts';
import { nameOf } from '../../media/fetching/name.ts';
import { decoded, type TransferLimits, transfer } from '../../media/fetching/transfer.ts';
import type { MediaStore } from '../../media/store.ts';
import type { Provider } from '../../providers/provider.ts';
import type { Claimed, FetchedFile } from './claim.ts';
import { typeOf } from './description.ts';

/** The limits of one attempt. */
export interface FetchLimits extends Omit<TransferLimits, 'maxBytes'> {
  /** Max duration of an attempt, in milliseconds. */
  totalMs: number;
}

export const LIMITS: FetchLimits = { totalMs: 180_000, partBytes: 16_384, partMs: 10_000 };

const MIB = 1_048_576;
/** Max bytes of a file of a message, by the channel. */
const MAX_BYTES = { sms: 25 * MIB, email: 100 * MIB };

export interface FetchOptions {
  client: MediaClient;
  store: MediaStore;
  limits: FetchLimits;
}

/**
 * Fetches a file and writes it to the store while it arrives.
 *
 * @throws {FetchFailure} if the file could not be fetched; any other error is of the store.
 */
export async function fetchFile(
  { client, store, limits }: FetchOptions,
  claimed: Claimed,
  provider: Pick<Provider, 'origin' | 'mediaHeaders'>,
  signal: AbortSignal,
): Promise<FetchedFile> {
  const channel = claimed.type === 'email' ? 'email' : 'sms';
  const maxBytes = MAX_BYTES[channel];
  const { headers, body } = await client.open(claimed.source_url, provider, signal);
  try {
    if (Number(headers['content-length']) > maxBytes) throw tooLarge(maxBytes);
    const contentType = typeOf(headers, claimed, channel);
    const file = decoded(body, headers['content-encoding']);
    const object = await store.write(transfer(file, { ...limits, maxBytes }));
    return { object, contentType, name: nameOf(headers, claimed.name, claimed.source_url) };
  } finally {
    body.destroy();
  }
}
