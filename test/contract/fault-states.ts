import type { State, States } from './verify.ts';

/** A request to the control API of the simulator. */
async function control(url: string, method: string, path: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/_control/${path}`, { method, body: JSON.stringify(body), headers });
  if (!response.ok) throw new Error(`The simulator responded with ${response.status} to ${path}`);
}

/** States in which the provider of a dialect has a fault, by their names. */
export function faultStates(url: string, dialect: string, faults: Record<string, object>): States {
  const states = Object.entries(faults).map(([name, fault]) => {
    const list = [{ channel: 'email', dialect, type: 'status', ...fault }];
    return [name, stateOf(url, () => control(url, 'PUT', 'faults', list))];
  });
  return Object.fromEntries(states);
}

/** A state in which the simulator has other settings. */
export function settingsState(url: string, settings: object): State {
  return stateOf(url, () => control(url, 'PUT', 'settings', settings));
}

function stateOf(url: string, change: () => Promise<void>): State {
  return {
    setUp: async () => {
      await change();
      return {};
    },
    cleanUp: () => control(url, 'POST', 'reset', {}),
  };
}
