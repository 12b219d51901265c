import { bool, type CleanedEnv, str, type ValidatorSpec } from 'envalid';
import type { Channel } from '../channel.ts';
import type { AccountConfig, SimulatorConfig } from './config.ts';
import { editDistance } from './edit-distance.ts';
import { prefixOf } from './safety.ts';
import { readSenders, type SenderParser } from './senders.ts';
import type { KnownNames } from './unknown-names.ts';
import * as values from './values.ts';

export type Specs = Record<string, ValidatorSpec<unknown>>;

/** The settings of a kind of provider, which its folder in `src/providers` defines. */
export interface KindConfig<S extends Specs = Specs, Settings = unknown> {
  name: string;
  channels: readonly Channel[];
  /** The variables of an account, without the prefix `<NAME>_`. */
  specs: S;
  /**
   * @param env the variables; a variable with a fault of its own is undefined.
   * @returns the settings, or one line for each fault of the variables together, which names the variable first, without the prefix;
   * `<NAME>` stands for the prefix in the rest of the line.
   */
  toSettings(env: CleanedEnv<S>): { settings: Settings } | { faults: string[] };
  /** The variables, without the prefix, that production requires, each with the consequence elsewhere if it is not set. */
  requiredInProduction: Readonly<Partial<Record<keyof S & string, string>>>;
  /** Whether the signatures of webhooks cover their URL, so that `PUBLIC_URL` is required in production. */
  signsUrls: boolean;
  /** The settings of an account at the provider simulator; absent if the simulator does not have this kind. */
  simulated?(simulator: SimulatorConfig): Settings;
}

/** The variables of every account. */
const COMMON = {
  PER_SECOND: values.rate({ default: undefined }),
  PER_SECOND_PER_SENDER: values.rate({ default: undefined }),
  SENDERS: values.list({ default: ['*'] }),
  CONSENT_REPLIES: bool({ default: undefined }),
};
/** The kind of an account whose name does not begin with the name of a kind. */
export const DEFAULT_KIND = 'standard';

export interface AccountReader {
  kinds: readonly KindConfig[];
  parseSender: SenderParser;
  environment: values.Environment;
  faults: string[];
  /** The variables that are not set and that production requires. */
  missing: string[];
  known: Record<keyof KnownNames, Set<string>>;
}

/** The variables of an account of any kind, without its prefix. */
export function settingsOf(kinds: readonly KindConfig[]): Set<string> {
  return new Set([...Object.keys(COMMON), ...kinds.flatMap(({ specs }) => Object.keys(specs))]);
}

/** Reads the accounts of a channel; adds a line to `faults` for each fault. */
export function readAccounts(
  channel: Channel,
  names: readonly string[],
  reader: AccountReader,
): AccountConfig[] {
  return names.flatMap((name) => readAccount(channel, name, reader) ?? []);
}

function readAccount(
  channel: Channel,
  name: string,
  { kinds, parseSender, environment, faults, missing, known }: AccountReader,
): AccountConfig | null {
  const prefix = prefixOf(name);
  const own = Object.fromEntries(
    Object.entries(environment).flatMap(([key, value]) =>
      key.startsWith(`${prefix}_`) ? [[key.slice(prefix.length + 1), value]] : [],
    ),
  );
  const ownFaults: string[] = [];
  const read = <S extends Specs>(specs: S) => {
    for (const setting of Object.keys(specs)) known.names.add(`${prefix}_${setting}`);
    return values.read(own, ownFaults, known.settings, specs);
  };
  const ofChannel = kinds.filter(({ channels }) => channels.includes(channel));
  const choices = ofChannel.map((kind) => kind.name);
  const fallback = choices.find((kind) => kind === name.split('_', 1)[0]) ?? DEFAULT_KIND;
  const { KIND } = read({ KIND: str({ choices, default: fallback }) });
  const kind = ofChannel.find((each) => each.name === KIND);
  const common = read(COMMON);
  if (kind && kind.name !== DEFAULT_KIND) ownFaults.push(...foreignSettings(kind, own, kinds));
  // A list that is not valid has a fault already.
  const { senders, faults: wrong } = readSenders(channel, common.SENDERS ?? [], parseSender);
  ownFaults.push(...wrong.map((fault) => `SENDERS: ${fault}`));
  const env = kind && read(kind.specs);
  const result = env ? kind.toSettings(env) : null;
  const hint = hintFor({ name, channel, kind: KIND, own, kinds });
  if (result && 'faults' in result)
    ownFaults.push(...result.faults.filter(isNew(ownFaults)).map((fault) => withPrefix(fault, name)));
  faults.push(...ownFaults.map((fault) => `${prefix}_${fault}${hint(fault)}`));
  if (kind?.signsUrls && !environment.PUBLIC_URL) missing.push('PUBLIC_URL');
  const required = Object.entries<string | undefined>(kind?.requiredInProduction ?? {});
  const absent = required.filter(([setting]) => !own[setting]);
  missing.push(...absent.map(([setting]) => `${prefix}_${setting}`));
  if (!kind || !result || 'faults' in result || ownFaults.length > 0) return null;
  return {
    name,
    channel,
    kind: kind.name,
    settings: result.settings,
    perSecond: common.PER_SECOND ?? null,
    perSecondPerSender: common.PER_SECOND_PER_SENDER ?? null,
    senders,
    consentReplies: common.CONSENT_REPLIES ?? null,
    simulated: false,
    warnings: absent.map(([setting, consequence]) => `${prefix}_${setting} is not set: ${consequence}`),
  };
}

/** A text of a kind with the prefix of the account's variables in place of `<NAME>`. */
export function withPrefix(text: string, account: string): string {
  return text.replaceAll('<NAME>', prefixOf(account));
}

/** The settings that belong to other kinds only, and would be ignored. */
function foreignSettings(kind: KindConfig, own: values.Environment, kinds: readonly KindConfig[]): string[] {
  const settings = new Set(kinds.flatMap(({ specs }) => Object.keys(specs)));
  return [...settings]
    .filter((setting) => own[setting] && !(setting in kind.specs))
    .map((setting) => {
      const others = kinds.filter(({ specs }) => setting in specs).map(({ name }) => name);
      const owners = others.length === 1 ? `kind ${others}` : `kinds ${others.join(', ')}`;
      return `${setting}: is a setting of the ${owners}, not of ${kind.name}`;
    });
}

/** Whether a fault is about a variable that has no fault yet. */
function isNew(faults: readonly string[]): (fault: string) => boolean {
  const known = new Set(faults.map(variableOf));
  return (fault) => !known.has(variableOf(fault));
}

function variableOf(fault: string): string {
  return fault.slice(0, fault.indexOf(':'));
}

interface Hinted {
  name: string;
  channel: Channel;
  kind: string;
  own: values.Environment;
  kinds: readonly KindConfig[];
}

/** A missing variable may be a sign of the wrong kind. Returns the end of the line of a fault. */
function hintFor({ name, channel, kind, own, kinds }: Hinted): (fault: string) => string {
  const named = kinds.find((each) => each.name === kindNameIn(name));
  const ofChannel = kinds.filter(({ channels }) => channels.includes(channel));
  const chosen = ofChannel.find((each) => each.name === kind);
  const isForeign = (setting: string) => own[setting] && !(chosen && setting in chosen.specs);
  const meant = ofChannel.find((other) => other !== chosen && Object.keys(other.specs).some(isForeign));
  const similar = ofChannel.find((each) => !named && isSimilar(kindNameIn(name), each.name));
  const choices = `kinds of ${channel} providers: ${ofChannel.map((each) => each.name).join(', ')}`;
  const reason =
    named && !named.channels.includes(channel)
      ? `the kind ${named.name} sends no ${channel}; ${choices}`
      : meant
        ? `set ${prefixOf(name)}_KIND=${meant.name} for an account of this kind; ${choices}`
        : similar
          ? `did you mean ${similar.name}? ${choices}`
          : choices;
  return (fault) => (fault.endsWith(': is not set') ? `, and the kind ${kind} requires it (${reason})` : '');
}

/** The part of an account's name that can be the name of a kind. */
function kindNameIn(account: string): string {
  return account.split(/[_-]/, 1)[0] as string;
}

/** Whether a name can be a misspelt kind: two exchanged letters have the distance 2. A shorter kind is similar to too many names. */
function isSimilar(name: string, kind: string): boolean {
  return kind.length > 3 && editDistance(name, kind) <= 2;
}

/** The kinds that the provider simulator has. */
export function simulatedKinds(kinds: readonly KindConfig[]): string[] {
  return kinds.filter((kind) => kind.simulated).map(({ name }) => name);
}

/**
 * The account of a channel without a configured account, at the provider simulator.
 *
 * @param wanted the kind, if it has this channel; default: `standard`.
 */
export function simulatedAccount(
  channel: Channel,
  wanted: string | undefined,
  kinds: readonly KindConfig[],
  simulator: SimulatorConfig,
): AccountConfig {
  const named = kinds.find(({ name, channels }) => name === wanted && channels.includes(channel));
  const kind = named ?? (kinds.find(({ name }) => name === DEFAULT_KIND) as KindConfig);
  return {
    name: kind.name === DEFAULT_KIND ? `${channel}-simulator` : kind.name,
    ...{ channel, kind: kind.name, settings: kind.simulated?.(simulator) },
    ...{ perSecond: null, perSecondPerSender: null, senders: null, consentReplies: null },
    ...{ simulated: true, warnings: [] },
  };
}
