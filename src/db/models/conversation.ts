import { Model, type RelationMappings } from 'objection';
import { Message } from './message.ts';

/** A set of participants and what they wrote to each other; one row for each set, for ever. */
export class Conversation extends Model {
  static override tableName = 'conversations';

  declare id: number;
  declare channel: 'sms' | 'email';
  declare participant_ids: number[];
  /** The people of the set; null where they are the participants themselves. */
  declare people_ids: number[] | null;
  /** The primary conversation: the oldest one with the same people. */
  declare merged_into_id: number | null;
  /** Without the messages of the conversations merged into this one. */
  declare message_count: number;
  declare created_at: Date;
  /** Of a primary conversation, with the conversations merged into it. */
  declare last_message_at: Date;
  declare messages?: Message[];

  static override get relationMappings(): RelationMappings {
    return {
      messages: {
        relation: Model.HasManyRelation,
        modelClass: Message,
        join: { from: 'conversations.id', to: 'messages.conversation_id' },
      },
    };
  }
}
