import { LRUCache } from 'lru-cache';
import type { NewMessage } from './new-message.ts';

export interface CachedConversation {
  conversationId: number;
  senderId: number;
  /** The creation time of the conversation. A later conversation with the same id has another time. */
  createdAt: string;
}

const MAX_CONVERSATIONS = 50_000;
/** Maximum UTF-16 units of all addresses in the cache. */
const MAX_LENGTH = 8_000_000;

/**
 * The conversations of recent messages, by the addresses of a message. The service never deletes or changes the
 * participants of a conversation. If an operator deleted or restored rows, `record_messages` in SQL refuses the cached values.
 */
export class ConversationCache {
  readonly #conversations = new LRUCache<string, CachedConversation>({
    max: MAX_CONVERSATIONS,
    maxSize: MAX_LENGTH,
    sizeCalculation: (_conversation, key) => key.length,
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
}

/** The key of the cache. Participants are sorted, so that the same set always has the same key. */
function keyOf({ sender, participants }: NewMessage): string {
  return [sender, ...participants].map(({ key }) => key).join('\n');
}
