import { randomUUID } from 'node:crypto';
import type { Simulation } from '../../simulation.ts';
import type { Topic } from './sns/topic.ts';

/** The body of a request to send. */
export interface SendRequest {
  FromEmailAddress?: string;
  Destination?: Partial<Record<'ToAddresses' | 'CcAddresses' | 'BccAddresses', string[]>>;
  Content: { Raw: { Data: string } };
  EmailTags?: { Name: string; Value: string }[];
  ConfigurationSetName?: string;
}

/** An email that SES accepted. */
export interface Email {
  id: string;
  from: string;
  recipients: string[];
  tags: Record<string, string[]>;
  sentAt: Date;
}

/** The parts that the operations of the account share. */
export interface AccountContext {
  simulation: Simulation;
  topic: Topic;
}

export function recipientsOf({ Destination = {} }: SendRequest): string[] {
  const { ToAddresses = [], CcAddresses = [], BccAddresses = [] } = Destination;
  return [...ToAddresses, ...CcAddresses, ...BccAddresses];
}

export function emailOf(request: SendRequest): Email {
  const { FromEmailAddress = '', EmailTags = [], ConfigurationSetName: set } = request;
  return {
    id: `0100${randomUUID().replaceAll('-', '').slice(0, 12)}-${randomUUID()}-000000`,
    from: FromEmailAddress,
    recipients: recipientsOf(request),
    tags: {
      'ses:operation': ['SendEmail'],
      ...(set !== undefined && { 'ses:configuration-set': [set] }),
      ...Object.fromEntries(EmailTags.map(({ Name, Value }) => [Name, [Value]])),
    },
    sentAt: new Date(),
  };
}
