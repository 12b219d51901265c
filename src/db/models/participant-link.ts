import { Model } from 'objection';

/** That two addresses are one person's, or were: undirected, the smaller id first. */
export class ParticipantLink extends Model {
  static override tableName = 'participant_links';

  declare id: number;
  declare participant_id: number;
  declare other_id: number;
  declare linked_at: Date;
  declare unlinked_at: Date | null;
}
