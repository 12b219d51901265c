/**
 * The Message-ID that SES gives an email in place of ours, without angle brackets.
 * Source: https://docs.aws.amazon.com/ses/latest/dg/header-fields.html
 */
export function wireMessageIdOf(providerMessageId: string, region: string): string {
  return `${providerMessageId}@${region === 'us-east-1' ? 'email' : region}.amazonses.com`;
}
