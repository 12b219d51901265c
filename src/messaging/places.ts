import { LRUCache } from 'lru-cache';
import type { NewMessage } from './new-message.ts';

/** Where a message belongs by its own addresses. */
export interface Place {
  conversationId: number;
  senderId: number;
}

const MAX_REMEMBERED = 50_000;
/** Characters of their addresses, which are many in a group. */
const MAX_LENGTH = 8_000_000;

/**
 * Remembers the places of messages by their addresses. Participants and the sets that they make are never deleted
 * and never change, so what was committed once may be remembered for ever.
 */
export function createPlaces() {
  const places = new LRUCache<string, Place>({
    max: MAX_REMEMBERED,
    maxSize: MAX_LENGTH,
    sizeCalculation: (_place, key) => key.length,
  });
  return {
    get: (message: NewMessage): Place | undefined => places.get(keyOf(message)),
    set: (message: NewMessage, conversationId: number, senderId: number): void => {
      places.set(keyOf(message), { conversationId, senderId });
    },
  };
}

/** The participants come in the order of their keys. */
function keyOf({ sender, participants }: NewMessage): string {
  return [sender, ...participants].map(({ key }) => key).join('\n');
}
