import { Session, type SessionOptions } from './session.ts';

/** An idle session ends after this time, before most servers end it (RFC 5321 recommends 5 minutes; many wait for some seconds). */
const IDLE_MS = 5_000;
/** Servers limit the messages of a connection, some to 100. */
const MAX_MESSAGES = 50;

interface Idle {
  session: Session;
  timer: NodeJS.Timeout;
}

/** The sessions of an account in this process. */
export class SessionPool {
  readonly #max: number;
  #count = 0;
  #idle: Idle[] = [];
  #waiting: (() => void)[] = [];

  /** @param max the number of sessions. */
  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Waits until a session may be used. Each `true` must be followed by one call of `leave`.
   *
   * @returns false if there is none after `timeoutMs`, or after an abort.
   */
  async enter(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.#count < this.#max) {
      this.#count++;
      return true;
    }
    const entered = Promise.withResolvers<boolean>();
    const enter = () => entered.resolve(true);
    const giveUp = () => {
      const position = this.#waiting.indexOf(enter);
      if (position !== -1) this.#waiting.splice(position, 1);
      if (position !== -1) entered.resolve(false);
    };
    this.#waiting.push(enter);
    const timer = setTimeout(giveUp, timeoutMs);
    signal.addEventListener('abort', giveUp);
    if (signal.aborted) giveUp();
    try {
      return await entered.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** Lets the next caller of `enter` in. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#count--;
  }

  /** An idle session; null if there is none. */
  takeIdle(): Session | null {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      clearTimeout(idle.timer);
      if (idle.session.isOpen) return idle.session;
    }
    return null;
  }

  open(options: SessionOptions): Promise<Session> {
    return Session.open(options);
  }

  /** Keeps a session for the next message, or ends it. */
  keep(session: Session): void {
    if (!session.isOpen) return;
    if (session.sent >= MAX_MESSAGES) {
      session.quit();
      return;
    }
    session.idle();
    const timer = setTimeout(() => {
      this.#idle = this.#idle.filter((idle) => idle.session !== session);
      session.quit();
    }, IDLE_MS).unref();
    this.#idle.push({ session, timer });
  }
}
