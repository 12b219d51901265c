import { Model, type RelationMappings } from 'objection';
import { Message } from './message.ts';
import { Participant } from './participant.ts';

/** A set of participants and what they wrote to each other; one row for each set, for ever. */
export class Conversation extends Model {
  static override tableName = 'conversations';

  declare id: number;
  declare channel: 'sms' | 'email';
  declare participant_ids: number[];
  declare merged_into_id: number | null;
  declare message_count: number;
  declare created_at: Date;
  declare last_message_at: Date;
  declare participants?: Participant[];
  declare messages?: Message[];

  static override get relationMappings(): RelationMappings {
    return {
      participants: {
        relation: Model.ManyToManyRelation,
        modelClass: Participant,
        join: {
          from: 'conversations.id',
          through: {
            from: 'conversation_participants.conversation_id',
            to: 'conversation_participants.participant_id',
          },
          to: 'participants.id',
        },
      },
      messages: {
        relation: Model.HasManyRelation,
        modelClass: Message,
        join: { from: 'conversations.id', to: 'messages.conversation_id' },
      },
    };
  }
}
