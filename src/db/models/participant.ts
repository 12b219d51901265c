import { Model } from 'objection';

export type AddressType = 'phone' | 'short_code' | 'alphanumeric' | 'email' | 'other';

/** An address that takes part in conversations. There is one row per address; rows are never deleted. */
export class Participant extends Model {
  static override tableName = 'participants';
  static override jsonAttributes = ['metadata'];

  declare id: number;
  declare address: string;
  declare address_type: AddressType;
  declare name: string | null;
  /** The id of the user in the application; several participants can have the same. */
  declare external_id: string | null;
  declare metadata: Record<string, string>;
  declare person_id: number | null;
  /** When the person was erased; the address is `erased-` and the id since. */
  declare erased_at: Date | null;
  declare created_at: Date;
  declare updated_at: Date;

  /** The id of the person: the smallest id among the participants that are linked. */
  get person(): number {
    return this.person_id ?? this.id;
  }
}
