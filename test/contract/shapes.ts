import { MatchersV3 } from '@pact-foundation/pact';

const { regex } = MatchersV3;

/** The shapes that values of one kind have; what is passed in is the example that the contract shows. */
export const phone = (example: string) => regex(/^\+[1-9]\d{6,14}$/, example);
export const mailbox = (example: string) => regex(/^[^\s@]+@[^\s@]+$/, example);
export const link = (example: string) => regex(/^https?:\/\/\S+$/, example);
/** RFC 3339 in UTC, with or without a fraction. */
export const time = (example = '2024-11-01T14:00:00.000Z') =>
  regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/, example);
/** The id that a provider gives a message. */
export const providerId = (example: string) => regex('^[^\\x00]{1,255}$', example);
/** A code of an error: the service uses it as a label. */
export const code = (example: string) => regex(/^[A-Za-z0-9_.:-]{1,64}$/, example);
export const filled = (example: string) => regex(/^[\s\S]+$/, example);
export const uuid = (example: string) => regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, example);
