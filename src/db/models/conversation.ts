import { Model, type RelationMappings } from 'objection';
import { Message } from './message.ts';

/** The messages of one set of participants. There is one row per set; rows are never deleted. */
export class Conversation extends Model {
  static override tableName = 'conversations';

  declare id: number;
  declare channel: 'sms' | 'email';
  declare participant_ids: number[];
  /** The person ids of the participants, ascending; null if these equal `participant_ids`. */
  declare people_ids: number[] | null;
  /** The primary conversation, which is the oldest conversation with the same people; null for a primary conversation. */
  declare merged_into_id: number | null;
  /** The number of messages, without the messages of conversations that are merged into this conversation. */
  declare message_count: number;
  /** The id in the application. A merged conversation keeps its own for the time after it is separated. */
  declare external_id: string | null;
  declare own_metadata: Record<string, string>;
  declare created_at: Date;
  /** For a primary conversation, includes the conversations that are merged into it. */
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
