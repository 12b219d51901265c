import type { ProviderFile } from '../../../media/files.ts';
import { webhookUrlOf } from '../../../settings.ts';
import type { Answer } from '../../../webhook-client.ts';
import { type AccountContext, type OptOutType, optOutTypeOf } from '../account.ts';
import type { Parameters } from '../form.ts';
import { API_VERSION, type Message, newMedia, newSid, numberOfSegments, uriOf } from '../message.ts';
import { addUnknownFields } from './statuses.ts';

const XML_TYPE = /^(?:text|application)\/xml\b/i;
/** An XML document whose root is `Response`. */
const TWIML = /^\s*(?:<\?xml[^>]*\?>\s*)?<Response(?:\s*\/>|(?:\s[^>]*)?>[\s\S]*<\/Response>)\s*$/;

/**
 * Creates an inbound message and sends its webhook to the service. STOP and START change the opt-outs of the account.
 *
 * @param given the parameters of the webhook that replace the defaults. `NumMedia` without media URLs creates media files.
 * @param files media of the message.
 * @throws {Error} there is no response.
 */
export function receive(
  context: AccountContext,
  given: Record<string, unknown>,
  files: readonly ProviderFile[] = [],
): Promise<Answer> {
  const { account, simulation, webhooks } = context;
  const { settings, url } = simulation;
  const fields = toParameters(given);
  const message = messageOf(account.sid, fields, files);
  if (!account.messages.has(message.sid)) account.messages.set(message.sid, message);
  const optOutType = optOutTypeOf(message.body);
  const { from, to, messagingServiceSid } = message;
  account.setOptOut(String(from), [to, messagingServiceSid ?? to], optOutType);
  const form = formOf({ ...defaultsOf(message, optOutType, url), ...fields });
  if (settings.twilio.unknown_fields) addUnknownFields(form);
  return webhooks.post(webhookUrlOf({ settings }, 'twilio'), form, { problemOf: problemOfReply });
}

function toParameters(given: Record<string, unknown>): Parameters {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(String) : String(value),
    ]),
  );
}

function messageOf(accountSid: string, fields: Parameters, files: readonly ProviderFile[]): Message {
  const { From = '+18045551234', To = '+12016661234', Body = 'Hello' } = fields as Record<string, string>;
  const createdAt = new Date();
  const urls = Object.keys(fields).filter((name) => /^MediaUrl\d+$/.test(name));
  const count = Number(fields.NumMedia ?? Math.max(urls.length, files.length));
  const media = Array.from({ length: count }, (_, index) => {
    const type = fields[`MediaContentType${index}`] ?? files[index]?.contentType ?? 'image/png';
    return newMedia(String(type), createdAt, files[index]);
  });
  return {
    sid: String(fields.MessageSid ?? newSid(media.length > 0 ? 'MM' : 'SM')),
    ...{ accountSid, direction: 'inbound', from: From, to: To, body: Body, media },
    messagingServiceSid: (fields.MessagingServiceSid as string | undefined) ?? null,
    ...{ status: 'received', errorCode: null, errorMessage: null },
    ...{ createdAt, updatedAt: createdAt, sentAt: createdAt },
  };
}

/** The parameters of the webhook. Source: https://www.twilio.com/docs/messaging/guides/webhook-request */
function defaultsOf(message: Message, optOutType: OptOutType | null, url: string): Parameters {
  const { sid, accountSid, from, to, body, media, messagingServiceSid } = message;
  return {
    ...{ ToCountry: 'US', ToState: '', ToCity: '', ToZip: '' },
    ...{ FromCountry: 'US', FromState: 'VA', FromCity: 'RICHMOND', FromZip: '23220' },
    ...{ SmsMessageSid: sid, SmsSid: sid, MessageSid: sid, AccountSid: accountSid, SmsStatus: 'received' },
    ...{ From: String(from), To: to, Body: body, NumMedia: String(media.length) },
    ...{ NumSegments: numberOfSegments(message), ApiVersion: API_VERSION },
    ...(messagingServiceSid && { MessagingServiceSid: messagingServiceSid }),
    ...(optOutType && { OptOutType: optOutType }),
    ...Object.fromEntries(
      media.flatMap(({ sid: mediaSid, contentType }, index) => [
        [`MediaContentType${index}`, contentType],
        [`MediaUrl${index}`, `${url}/twilio${uriOf(message)}/Media/${mediaSid}`],
      ]),
    ),
  };
}

function formOf(parameters: Parameters): URLSearchParams {
  const form = new URLSearchParams();
  for (const [name, values] of Object.entries(parameters))
    for (const value of [values].flat()) form.append(name, value);
  return form;
}

/** The reply to an inbound message must be TwiML; the codes are those of Twilio's error log. */
function problemOfReply({ contentType, body }: Answer): string | null {
  if (!XML_TYPE.test(contentType ?? '')) return `12300: the content type is ${contentType ?? 'missing'}`;
  return TWIML.test(body) ? null : '12100: the body is not a TwiML document';
}
