import type { Config } from '../../../config/config.ts';
import { StartError } from '../../../errors.ts';
import { examineAccounts, examineMailServers } from './accounts.ts';
import { examineDatabase } from './database.ts';
import { examinePublicUrl, examineService } from './http.ts';
import { type Finding, hasFault, present, type Section } from './section.ts';

/**
 * Checks a configuration and everything it names, without any change.
 *
 * @param readConfig throws a `StartError` with all faults of the configuration.
 * @param source the origin of the configuration, in words.
 * @returns the report, and whether it has a fault.
 */
export async function examine(
  readConfig: () => Config,
  source: string,
): Promise<{ report: string; failed: boolean }> {
  const sections = await sectionsOf(readConfig, source);
  return { report: present(sections), failed: hasFault(sections) };
}

async function sectionsOf(readConfig: () => Config, source: string): Promise<Section[]> {
  const configuration: Section = { title: 'Configuration', details: {}, findings: [] };
  let config: Config;
  try {
    config = readConfig();
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    const findings = error.reasons.map((text) => ({ result: 'fault' as const, text }));
    return [{ ...configuration, findings }];
  }
  const [database, service, publicUrl, accounts] = await Promise.all([
    examineDatabase(config),
    examineService(config),
    examinePublicUrl(config),
    examineAccounts(config),
  ]);
  return [
    {
      ...configuration,
      details: { ...keywordsOf(config), ...countriesOf(config) },
      findings: [{ result: 'ok', text: `valid, from ${source}` }, ...foreignRegion(config)],
    },
    ...[database, service, publicUrl, ...accounts, ...examineMailServers(config)],
  ];
}

function countriesOf({ allowedCountries }: Config): Section['details'] {
  return allowedCountries === null ? {} : { 'Allowed countries': allowedCountries.join(', ') };
}

function foreignRegion({ allowedCountries, defaultRegion }: Config): Finding[] {
  if (allowedCountries === null || allowedCountries.includes(defaultRegion)) return [];
  const text = `DEFAULT_REGION: numbers without a country code are of ${defaultRegion}, which ALLOWED_COUNTRIES does not have`;
  return [{ result: 'warning', text }];
}

function keywordsOf({ keywords, stopScope }: Config): Section['details'] {
  return { Keywords: Object.keys(keywords).join(', '), 'Scope of STOP': stopScope };
}
