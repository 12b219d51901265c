import { domainToASCII } from 'node:url';
import type { AccountConfig } from '../../config/config.ts';
import { accountFields } from '../account-fields.ts';
import { echoOf } from '../echo.ts';
import { composeMime, notComposed } from '../email/mime.ts';
import { addressBeyondAscii, type Email, recipientsOf } from '../email/recipients.ts';
import { longestCallMs, ProviderClient } from '../http/client.ts';
import type { Outgoing } from '../outgoing.ts';
import type { CallContext, Provider, SendOutcome } from '../provider.ts';
import { MAX_UPLOAD_MS, uploadMs } from '../upload-time.ts';
import { SES_CAPABILITIES } from './capabilities.ts';
import { checkSes } from './check.ts';
import type { SesSettings } from './config.ts';
import { ECHO } from './events.ts';
import { wireMessageIdOf } from './message-id.ts';
import { sesDialect } from './outcome.ts';
import { signedHeaders } from './sigv4.ts';
import { sesWebhooks } from './webhook.ts';

const SERVICE = 'ses';

/**
 * An account at Amazon SES: `POST /v2/email/outbound-emails` with the whole MIME message.
 * Source: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
 *
 * @param timeoutMs the timeout of one request, in milliseconds.
 */
export function createSesProvider(account: AccountConfig<SesSettings>, timeoutMs: number): Provider {
  const { settings } = account;
  const { url, region } = settings;
  const client = new ProviderClient({
    ...{ url, timeoutMs, uploadMs, dialect: sesDialect },
    headers: { accept: 'application/json' },
    // A signature is valid for some minutes only, and a repeated request may be later.
    sign: ({ method, url: target, body }) => {
      const headers: Record<string, string> = body.length > 0 ? { 'content-type': 'application/json' } : {};
      const request = { method, url: target, headers, body };
      return { ...headers, ...signedHeaders(request, settings, { region, service: SERVICE }, new Date()) };
    },
  });
  return {
    ...accountFields(account),
    capabilities: SES_CAPABILITIES,
    longestAttemptMs: longestCallMs(timeoutMs),
    longestLargeAttemptMs: longestCallMs(timeoutMs, MAX_UPLOAD_MS),
    origin: new URL(url).origin,
    mediaHeaders: () => null,
    answersOptOuts: () => false,
    send: (message, context) => send(client, message, settings, context),
    lookUp: async () => 'inconclusive',
    check: (context) => checkSes(client, account.name, context),
    ...sesWebhooks(settings),
  };
}

async function send(
  client: ProviderClient,
  message: Outgoing,
  { region, configurationSet }: SesSettings,
  context: CallContext,
): Promise<SendOutcome> {
  const email = message as Email;
  const beyondAscii = addressBeyondAscii(email);
  if (beyondAscii !== undefined) return notSupported(beyondAscii);
  const content = await composeMime(email).catch((error: Error) => error);
  if (content instanceof Error) return notComposed(content);
  const body = JSON.stringify({
    FromEmailAddress: toAscii(message.from),
    Destination: destinationOf(email),
    Content: { Raw: { Data: content.toString('base64') } },
    EmailTags: [{ Name: ECHO, Value: echoOf(message) }],
    ...(configurationSet !== null && { ConfigurationSetName: configurationSet }),
  });
  const outcome = await client.send('v2/email/outbound-emails', { body }, context);
  return outcome.outcome === 'accepted'
    ? { ...outcome, wireMessageId: wireMessageIdOf(outcome.providerMessageId, region) }
    : outcome;
}

/**
 * Outcome without a call: an address needs SMTPUTF8 (RFC 6531).
 * Source: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html (FromEmailAddress, Destination)
 */
function notSupported(address: string): SendOutcome {
  return {
    ...{
      outcome: 'rejected',
      httpStatus: null,
      class: 'invalid_destination',
      code: 'smtputf8_not_supported',
    },
    detail: `SES does not support SMTPUTF8, which ${address} requires`,
  };
}

/** The recipients of this call. The headers of the MIME message name the others of `to` and `cc` too. */
function destinationOf(email: Email): object {
  const { to, cc, bcc } = recipientsOf(email);
  return {
    ...(to.length > 0 && { ToAddresses: to.map(toAscii) }),
    ...(cc.length > 0 && { CcAddresses: cc.map(toAscii) }),
    ...(bcc.length > 0 && { BccAddresses: bcc.map(toAscii) }),
  };
}

/** SES accepts domains in ASCII only. */
function toAscii(address: string): string {
  const at = address.lastIndexOf('@') + 1;
  return address.slice(0, at) + (domainToASCII(address.slice(at)) || address.slice(at));
}
