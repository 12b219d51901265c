import type { Request, Response } from 'express';
import type { AccountContext } from './send.ts';

const METADATA = 'metadata_';

/**
 * `GET /messages/outbound`: the emails with these metadata, the newest first, after `search_delay_ms`.
 * Source: https://postmarkapp.com/developer/api/messages-api#outbound-message-search
 */
export function search({ simulation, emails }: AccountContext, request: Request, response: Response): void {
  const { count, offset, ...filters } = request.query as Record<string, string>;
  const wanted = Object.entries(filters).filter(([name]) => name.startsWith(METADATA));
  const latest = Date.now() - simulation.settings.postmark.search_delay_ms;
  const found = emails
    .filter(({ acceptedAt }) => acceptedAt.getTime() <= latest)
    .filter(({ metadata }) =>
      wanted.every(([name, value]) => metadata[name.slice(METADATA.length)] === value),
    )
    .toReversed();
  const start = Number(offset);
  response.json({
    TotalCount: found.length,
    Messages: found.slice(start, start + Number(count)).map((email) => ({
      ...{ Tag: '', MessageID: email.id, To: [], Cc: [], Bcc: [], Recipients: email.recipients },
      ...{ ReceivedAt: email.acceptedAt.toISOString(), From: email.from, Subject: email.subject },
      ...{ Attachments: [], Status: 'Sent', TrackOpens: false, TrackLinks: 'None', Metadata: email.metadata },
      MessageStream: email.stream,
    })),
  });
}
