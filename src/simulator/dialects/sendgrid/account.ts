import { randomBytes } from 'node:crypto';

export interface Address {
  email: string;
  name?: string;
}

/** The body of a request to send. */
export interface SendRequest {
  personalizations: {
    to: Address[];
    cc?: Address[];
    bcc?: Address[];
    custom_args?: Record<string, string>;
  }[];
  from: Address;
  headers?: Record<string, string>;
  custom_args?: Record<string, string>;
}

/** An email that SendGrid accepted, for the recipients of one or more personalizations. */
export interface Email {
  /** The header `X-Message-Id`. */
  id: string;
  smtpId: string;
  recipients: string[];
  customArgs: Record<string, string>;
}

export function emailOf({ personalizations, headers = {}, custom_args }: SendRequest): Email {
  const id = randomBytes(16).toString('base64url');
  return {
    id,
    smtpId: headers['Message-ID'] ?? `<${id}@geopod-ismtpd-1>`,
    recipients: personalizations.flatMap(addressesOf),
    customArgs: { ...custom_args, ...personalizations[0]?.custom_args },
  };
}

/** The addresses of the recipients. */
export function addressesOf({ to, cc = [], bcc = [] }: SendRequest['personalizations'][number]): string[] {
  return [to, cc, bcc].flat().map(({ email }) => email);
}
