/** A stored file. */
export interface StoredObject {
  /** A UUID. */
  id: string;
  /** In bytes. */
  size: number;
  sha256: Buffer;
}

/** An object in a list of all objects. */
export interface ListedObject {
  id: string;
  createdAt: Date;
}

/** Where the content of files is kept: in PostgreSQL (`postgres-store.ts`), or in an object store. */
export interface MediaStore {
  /**
   * Stores a file while it arrives, with a bounded part of it in memory. Nothing refers to the object yet: it is removed after a
   * day unless media refer to it.
   *
   * @throws the error of `parts`; then nothing is stored.
   */
  write(parts: AsyncIterable<Buffer>): Promise<StoredObject>;
  /**
   * The bytes from `start` to before `end`, with a bounded part of them in memory.
   *
   * @throws {Error} if the object does not exist.
   */
  read(object: string, start: number, end: number): AsyncIterable<Buffer>;
  /** Removes objects; those that do not exist are ignored. */
  remove(objects: readonly string[]): Promise<void>;
  /** The first `count` objects after an id, in the order of their ids; null: from the start. */
  list(after: string | null, count: number): Promise<ListedObject[]>;
}
