import type { AccountCheck } from '../../../providers/provider.ts';

/** The result of one check. A warning does not make the command fail. */
export type Finding = AccountCheck;

/** The findings about one part of a configuration. */
export interface Section {
  title: string;
  /** Settings by their labels, without secrets. */
  details: Record<string, string>;
  findings: Finding[];
}

const LABELS = { ok: 'ok', warning: 'WARNING', fault: 'FAULT' } as const;
const LABEL_WIDTH = 7;
/** The part of a URL that may contain a user name and a password. */
const CREDENTIALS = /(\w+:\/\/)[^/@\s]*@/g;

/** The sections as plain text, and a last line with the number of faults and warnings. */
export function present(sections: Section[]): string {
  const texts = sections.map(({ title, details, findings }) => {
    const width = Math.max(0, ...Object.keys(details).map((label) => label.length));
    return [
      title,
      ...Object.entries(details).map(([label, value]) => `  ${label.padEnd(width)}  ${value}`),
      ...findings.map(({ result, text }) => `  ${LABELS[result].padEnd(LABEL_WIDTH)}  ${text}`),
    ].join('\n');
  });
  return `${[...texts, summary(sections)].join('\n\n').replaceAll(CREDENTIALS, '$1')}\n`;
}

export function hasFault(sections: Section[]): boolean {
  return count(sections, 'fault') > 0;
}

function summary(sections: Section[]): string {
  const [faults, warnings] = [count(sections, 'fault'), count(sections, 'warning')];
  if (faults + warnings === 0) return 'Everything is ok.';
  return `${plural(faults, 'fault')}, ${plural(warnings, 'warning')}.`;
}

function count(sections: Section[], wanted: Finding['result']): number {
  return sections.flatMap(({ findings }) => findings).filter(({ result }) => result === wanted).length;
}

function plural(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
