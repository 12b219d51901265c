import { LRUCache } from 'lru-cache';
import type { NewMessage } from './new-message.ts';

/** The conversation and the sender of a message, by its own addresses. */
export interface Place {
  conversationId: number;
  senderId: number;
  /** When the conversation was made. A row that later has the same id has another time. */
  madeAt: string;
}

const MAX_REMEMBERED = 50_000;
/** Characters of their addresses, which are many in a group. */
const MAX_LENGTH = 8_000_000;

/**
 * Caches the places of messages by their addresses. The service never deletes or changes participants and their sets.
 * Rows that an operator deleted or restored are noticed by `record_messages`, which refuses the cached place.
 */
export function createPlaces() {
  const places = new LRUCache<string, Place>({
    max: MAX_REMEMBERED,
    maxSize: MAX_LENGTH,
    sizeCalculation: (_place, key) => key.length,
  });
  return {
    get: (message: NewMessage): Place | undefined => places.get(keyOf(message)),
    set: (message: NewMessage, place: Place): void => void places.set(keyOf(message), place),
    delete: (message: NewMessage): void => void places.delete(keyOf(message)),
  };
}

/** The participants come in the order of their keys. */
function keyOf({ sender, participants }: NewMessage): string {
  return [sender, ...participants].map(({ key }) => key).join('\n');
}
