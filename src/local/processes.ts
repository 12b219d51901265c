/**
 * Sends a signal, or only checks with 0. Returns false if this process has no such process that it may signal: a process
 * of another user is neither a server nor a draft of this service.
 */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
