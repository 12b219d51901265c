import { editDistance } from './edit-distance.ts';
import type { EnvFile } from './env-file.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface KnownNames {
  /** Every variable of this configuration, including the variables of its accounts. */
  names: ReadonlySet<string>;
  /** The variables of an account without the prefix of the account, such as `URL`. */
  settings: ReadonlySet<string>;
}

/** Variables of this project that `readConfig` does not read. */
const OTHERS = ['ENV_FILE', 'SIMULATOR_HOST'];
/** The variable of the clients in docs/examples and bin/test.sh, which may run in the same shell. */
const CLIENT_KEY = 'API_KEY';
/** The minimum length of a name to compare with: short names are similar to too many other names. */
const MIN_LENGTH = 8;
/** The maximum edit distance of a misspelt name. */
const MAX_DISTANCE = 2;

/**
 * Returns one line for each unknown variable that is probably a mistake. In the file, every unknown variable is a mistake.
 * In the environment, where platforms and tools set variables too, a mistake is a name that is similar to a name of the
 * configuration. A variable without a value counts as not set.
 */
export function unknownNames(environment: Environment, file: EnvFile | null, given: KnownNames): string[] {
  const known = { ...given, names: new Set([...given.names, ...OTHERS]) };
  const hasKeys = Boolean(environment.API_KEYS || environment.API_KEYS_FILE);
  const faults = [];
  for (const [name, value] of Object.entries(environment)) {
    if (!value || known.names.has(name) || isServiceLink(name, value)) continue;
    const line = file?.lines.get(name);
    if (line !== undefined && !name.startsWith('COMPOSE_')) {
      faults.push(`${name}: unknown variable in ${file?.path}, line ${line}.${hint(name, known)}`);
    } else if (name === CLIENT_KEY ? !hasKeys : isMistake(name, known)) {
      faults.push(`${name}: unknown variable.${hint(name, known)}`);
    }
  }
  return faults;
}

/**
 * Whether the name is similar to a name of the configuration. The check skips short names such as `ACME_URL`: if such a
 * name is misspelt, another check reports that `ACME_URL` is not set.
 */
function isMistake(name: string, { names }: KnownNames): boolean {
  return [...names].some((known) => known.length >= MIN_LENGTH && distance(name, known) <= MAX_DISTANCE);
}

function hint(name: string, { names, settings }: KnownNames): string {
  const [nearest = '', far = Number.POSITIVE_INFINITY] = [...names]
    .map((known): [string, number] => [known, distance(name, known)])
    .reduce((best, candidate) => (candidate[1] < best[1] ? candidate : best), ['', Number.POSITIVE_INFINITY]);
  const longer = far > 1 && [...names].find((known) => isShortened(name, known));
  if (longer) return ` Did you mean ${longer}?`;
  if (far <= Math.max(MAX_DISTANCE, name.length / 4)) return ` Did you mean ${nearest}?`;
  if (/^NODE_/.test(name))
    return ' Node.js reads this variable at its start; set the variable in the environment.';
  if (/^SIMULATOR_/.test(name)) return ' Only a separate simulator reads this variable (docs/simulator.md).';
  const setting = [...settings].find((ending) => name.endsWith(`_${ending}`));
  if (setting === undefined) return '';
  const account = name
    .slice(0, -setting.length - 1)
    .toLowerCase()
    .replaceAll('_', '-');
  return ` Is ${account} missing in SMS_PROVIDERS or EMAIL_PROVIDERS?`;
}

/** Whether a name lacks words in the middle of a known name, such as `TWILIO_SID` of `TWILIO_ACCOUNT_SID`. */
function isShortened(name: string, known: string): boolean {
  const [words, wanted] = [name.split('_'), known.split('_')];
  if (words.length < 2 || words.length >= wanted.length) return false;
  const missing = wanted.length - words.length;
  const start = words.findIndex((word, index) => word !== wanted[index]);
  return start > 0 && words.slice(start).every((word, index) => word === wanted[start + missing + index]);
}

/** The edit distance, ignoring case, so that `database_url` is a mistake too; infinite for very different lengths. */
function distance(name: string, known: string): number {
  if (Math.abs(name.length - known.length) > known.length / 2) return Number.POSITIVE_INFINITY;
  return editDistance(name.toUpperCase(), known);
}

const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

/** A variable by which Kubernetes or Docker announces a service, such as `ACME_PORT=tcp://10.0.0.1:80`. */
export function isServiceLink(name: string, value: string): boolean {
  return SERVICE_LINK.test(name) || (/_PORT$/.test(name) && /^(tcp|udp|sctp):\/\//.test(value));
}
