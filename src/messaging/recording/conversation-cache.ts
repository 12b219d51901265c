import { LRUCache } from 'lru-cache';
import type { NewMessage } from './new-message.ts';

export interface CachedConversation {
  conversationId: number;
  senderId: number;
  /** When the conversation was created. A row that later gets the same id has another time. */
  createdAt: string;
}

const MAX_CONVERSATIONS = 50_000;
/** UTF-16 units of the addresses, of which a group has many. */
const MAX_LENGTH = 8_000_000;

/**
 * The conversations of recent messages, by the addresses of a message. The service never deletes participants or changes
 * their sets. `record_messages` in SQL notices rows that an operator deleted or restored, and refuses the cached values.
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

/** The participants are in the order of their keys. */
function keyOf({ sender, participants }: NewMessage): string {
  return [sender, ...participants].map(({ key }) => key).join('\n');
}
