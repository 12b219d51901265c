import type { Router } from 'express';
import type { ProviderFile } from './media/files.ts';
import type { Channel } from './settings.ts';
import type { Answer } from './webhook-client.ts';

/** The API and the webhooks of one provider. */
export interface Dialect {
  /** The API of the provider, for the root of the server. */
  routes: Router;
  /**
   * Sends an inbound message to the service.
   *
   * @param fields the fields of the webhook; fields that are not given have defaults.
   * @param files the files of the message, which the webhook names as the provider does.
   * @throws {Error} there is no response.
   */
  inbound(channel: Channel, fields: Record<string, unknown>, files: readonly ProviderFile[]): Promise<Answer>;
  /** Removes the messages of the dialect. */
  reset(): void;
}
