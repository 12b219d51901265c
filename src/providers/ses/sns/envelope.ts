import { isObject, type JsonObject } from '../../email/json.ts';

const TYPES = ['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation'] as const;

/** A message of Amazon SNS, whose signed fields are texts. */
export interface SnsEnvelope {
  type: (typeof TYPES)[number];
  topicArn: string;
  message: string;
  /** Of the confirmations. */
  subscribeUrl: string | null;
  signatureVersion: string;
  signature: string;
  signingCertUrl: string;
  /** The text that the signature covers. */
  signedText: string;
}

/** The signed fields, in the order of the signature. A field with `?` is signed only if it is there. */
const NOTIFICATION = ['Message', 'MessageId', 'Subject?', 'Timestamp', 'TopicArn', 'Type'];
const CONFIRMATION = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];

/**
 * Reads a message of SNS; null if it lacks a field. Only the text of the message may have line breaks: in another field, they would
 * let one signature fit two messages.
 * Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
 */
export function readEnvelope(json: unknown): SnsEnvelope | null {
  if (!isObject(json)) return null;
  const type = TYPES.find((each) => each === json.Type);
  if (type === undefined) return null;
  const signedText = signedTextOf(json, type === 'Notification' ? NOTIFICATION : CONFIRMATION);
  const [topicArn, message, signatureVersion, signature, signingCertUrl] = [
    ...['TopicArn', 'Message', 'SignatureVersion', 'Signature', 'SigningCertURL'],
  ].map((name) => json[name]);
  if (signedText === null || typeof topicArn !== 'string' || typeof message !== 'string') return null;
  if (typeof signatureVersion !== 'string' || typeof signature !== 'string') return null;
  if (typeof signingCertUrl !== 'string') return null;
  return {
    ...{ type, topicArn, message, signatureVersion, signature, signingCertUrl, signedText },
    subscribeUrl: typeof json.SubscribeURL === 'string' ? json.SubscribeURL : null,
  };
}

function signedTextOf(json: JsonObject, fields: readonly string[]): string | null {
  const lines: string[] = [];
  for (const field of fields) {
    const name = field.replace('?', '');
    const value = json[name];
    if (field.endsWith('?') && (value === undefined || value === null)) continue;
    if (typeof value !== 'string' || (name !== 'Message' && /[\r\n]/.test(value))) return null;
    lines.push(`${name}\n${value}\n`);
  }
  return lines.join('');
}
