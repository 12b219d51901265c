import { Model } from 'objection';

/** The erasure of a participant or a person. */
export class Erasure extends Model {
  static override tableName = 'erasures';
  static override jsonAttributes = ['counts'];

  declare id: number;
  declare participant_id: number;
  /** The driver returns arrays of bigint as texts. */
  declare participant_ids: string[];
  /** Null when the erasure is completed. */
  declare addresses: string[] | null;
  declare person: boolean;
  declare state: 'running' | 'completed';
  declare counts: Record<string, number>;
  declare actor: string | null;
  declare requested_at: Date;
  declare completed_at: Date | null;
}
