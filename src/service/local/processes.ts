/**
 * Sends a signal; 0 only checks that the process exists. Returns false if there is no such process, or if it belongs to
 * another user and thus is not a process of this service.
 */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
