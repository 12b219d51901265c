/**
 * Returns a function that runs `work` without overlap. Calls during a run, and until `keepMs` milliseconds after its end, get
 * the result of that run.
 */
export function shareRunning<T>(work: () => Promise<T>, keepMs = 0): () => Promise<T> {
  let result: Promise<T> | null = null;
  let expires = Number.POSITIVE_INFINITY;
  return () => {
    if (result === null || performance.now() >= expires) {
      expires = Number.POSITIVE_INFINITY;
      result = work().finally(() => {
        expires = performance.now() + keepMs;
      });
    }
    return result;
  };
}
