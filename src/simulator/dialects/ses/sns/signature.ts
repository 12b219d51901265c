import { generateKeyPairSync, sign } from 'node:crypto';
import { type SigningKey, signingKeyOf } from './certificate.ts';

export type SignatureVersion = '1' | '2';

/** A message of SNS without its signature. */
export interface SnsMessage {
  Type: 'Notification' | 'SubscriptionConfirmation' | 'UnsubscribeConfirmation';
  MessageId: string;
  TopicArn: string;
  Message: string;
  Timestamp: string;
  Subject?: string;
  Token?: string;
  SubscribeURL?: string;
}

let created: SigningKey | undefined;

/** The key of the simulated SNS, which all simulators of a process share, because it takes some time to make. */
export function snsKey(): SigningKey {
  const { privateKey } = created ? { privateKey: null } : generateKeyPairSync('rsa', { modulusLength: 2048 });
  created ??= signingKeyOf(String(privateKey?.export({ type: 'pkcs8', format: 'pem' })));
  return created;
}

/**
 * The body of a webhook of SNS. Each signed field is a line with its name and a line with its value, in the order of the names.
 * Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
 *
 * @param url of the host of the certificate.
 */
export function signedMessage(
  message: SnsMessage,
  url: string,
  version: SignatureVersion = '1',
  key: SigningKey = snsKey(),
): Record<string, string> {
  const text = Object.entries(message)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}\n${value}\n`)
    .join('');
  const algorithm = version === '1' ? 'RSA-SHA1' : 'RSA-SHA256';
  return {
    ...message,
    SignatureVersion: version,
    Signature: sign(algorithm, Buffer.from(text), key.privateKey).toString('base64'),
    SigningCertURL: `${url}${key.path}`,
  };
}

/** The headers of a webhook of SNS. */
export function snsHeaders({
  Type,
  MessageId,
  TopicArn,
}: Pick<SnsMessage, 'Type' | 'MessageId' | 'TopicArn'>) {
  return {
    'content-type': 'text/plain; charset=UTF-8',
    'user-agent': 'Amazon Simple Notification Service Agent',
    'x-amz-sns-message-type': Type,
    'x-amz-sns-message-id': MessageId,
    'x-amz-sns-topic-arn': TopicArn,
  };
}
