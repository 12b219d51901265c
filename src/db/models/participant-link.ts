import { Model } from 'objection';

/** A current or former link of two addresses of one person; undirected, with the smaller id first. */
export class ParticipantLink extends Model {
  static override tableName = 'participant_links';

  declare id: number;
  declare participant_id: number;
  declare other_id: number;
  declare linked_at: Date;
  declare unlinked_at: Date | null;
}
