import { randomUUID } from 'node:crypto';

/** The notification of an inbound email with its content, as a receipt rule with an SNS action sends it. */
export function receivedOf(fields: Record<string, unknown>): object {
  const {
    from = 'contact@gmail.com',
    to = 'user@usehatchapp.com',
    subject = 'Hello',
    body = 'Hello',
  } = fields;
  const passed = { status: 'PASS' };
  const timestamp = new Date().toISOString();
  const raw = `From: ${from}\r\nTo: ${to}\r\nSubject: ${subject}\r\n\r\n${body}\r\n`;
  return {
    notificationType: 'Received',
    mail: {
      ...{ timestamp, source: from, messageId: randomUUID(), destination: [to], headersTruncated: false },
      commonHeaders: { from: [from], to: [to], subject },
    },
    receipt: {
      ...{
        timestamp,
        processingTimeMillis: 100,
        recipients: [to],
        spamVerdict: passed,
        virusVerdict: passed,
      },
      action: { type: 'SNS', topicArn: 'arn:aws:sns:us-east-1:123456789012:simulator', encoding: 'BASE64' },
    },
    content: Buffer.from(raw).toString('base64'),
  };
}
