import { LRUCache } from 'lru-cache';
import type { NewMessage } from './new-message.ts';

export interface CachedConversation {
  conversationId: number;
  senderId: number;
  /** The creation time of the conversation. A later conversation with the same id has another time. */
  createdAt: string;
}

/** Maximum of the sizes of all entries: about 60,000 conversations of two. */
const MAX_SIZE = 8_000_000;
/** The size of an entry is this number and the UTF-16 units of its addresses. */
const ENTRY_SIZE = 100;

/**
 * The conversations of recent messages, by the addresses of a message. The service never deletes or changes the
 * participants of a conversation, except that it erases them. If they were erased, or an operator deleted or restored rows,
 * `record_messages` in SQL refuses the cached values.
 */
export class ConversationCache {
  readonly #conversations = new LRUCache<string, CachedConversation>({
    // With `max`, the cache would allocate all of its entries in advance.
    maxSize: MAX_SIZE,
    sizeCalculation: (_conversation, key) => ENTRY_SIZE + key.length,
  });

  get(message: NewMessage): CachedConversation | undefined {
    return this.#conversations.get(keyOf(message));
  }

  set(message: NewMessage, conversation: CachedConversation): void {
    this.#conversations.set(keyOf(message), conversation);
  }

  delete(message: NewMessage): void {
    this.#conversations.delete(keyOf(message));
  }

  clear(): void {
    this.#conversations.clear();
  }
}

/** The key of the cache. Participants are sorted, so that the same set always has the same key. */
function keyOf({ sender, participants }: NewMessage): string {
  return [sender, ...participants].map(({ key }) => key).join('\n');
}
