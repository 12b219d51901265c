/** `waits`: the next step is possible later, or another process does it. */
export type ErasureState = 'running' | 'waits' | 'completed';
