import { Model, type RelationMappings } from 'objection';
import { Message } from './message.ts';
import { Participant } from './participant.ts';

/** A set of participants and what they wrote to each other; one row for each set, for ever. */
export class Conversation extends Model {
  static override tableName = 'conversations';

  declare id: number;
  declare channel: 'sms' | 'email';
  declare participant_ids: number[];
  /** The people of the set; null where they are the participants themselves. */
  declare people_ids: number[] | null;
  /** The older conversation with the same people that speaks for this one. */
  declare merged_into_id: number | null;
  /** Of its own messages, without those of the conversations that it speaks for. */
  declare message_count: number;
  declare created_at: Date;
  /** Of all that it speaks for. */
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
