import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/**
 * Fails on word-for-word idioms and metaphors where the field has a term, in all committed text, and on commit subjects of
 * more than 72 characters. Run by `make check`.
 */
const IDIOMS: [pattern: RegExp, instead: string][] = [
  [/\bunless told\b/i, 'by default'],
  [/\bat the most\b/i, 'at most'],
  [/\bwhoever\b/i, 'the noun'],
  [/\bspeaks? for\b/i, 'is the primary of'],
  [/\bbrings? about\b/i, 'causes'],
  [/\basks? for less\b/i, 'throttles'],
  [/\bis told of\b/i, 'receives'],
  [/\bwhat (?:is (?:said|done|to be)|becomes? of|may be|has to be)\b/i, 'the noun'],
  [/\bso many (?:a second|milliseconds|bytes)\b/i, 'a number with its unit'],
  [/\b(?:verdict|correspondents|lets? in)\b/i, 'the glossary of docs/architecture.md'],
  [/\bspeaks?\b/i, 'serves or supports'],
  [/\bin hand\b/i, 'running'],
  [/\bc[ao]mes? of\b/i, 'the result'],
  [/\btakes? in\b/i, 'receives or stores'],
  [/\bsees? to (?:it|that)\b/i, 'ensures'],
  [/\bof which nobody\b/i, 'unknown'],
  [/\bunless configured otherwise\b/i, 'by default'],
  [/\bone's own\b/i, 'your'],
  [/\bwrit(?:e|es|ten) (?:it )?up\b/i, 'describes'],
  [/\bpast a (?:connection )?pooler\b/i, 'without a pooler'],
  [/\b(?:requests|messages|calls) a second\b/i, 'per second'],
  [/\bone a line\b/i, 'one per line'],
  [/\b(?:is of use|create it anew|to mend|unheard-of|handed to)\b/i, 'a plain verb'],
  [/\b(?:for whatever reason|however (?:it|that) ends)\b/i, 'in every case'],
  [/\bno longer there\b/i, 'deleted'],
  [/\b(?:its|their) turn\b/i, 'the lock, the queue or the iteration'],
  [/\bwhat it holds\b/i, 'its content'],
  [/\bmust be set, for\b/i, 'because'],
  [/\bin vain\b/i, 'timed out, or failed'],
  [/\bwhere (?:it|that|this) takes\b/i, 'a timeout'],
  [/\b(?:by way of|a way past)\b/i, 'through, without'],
  [/\b(?:let alone|left alone|as it likes|half done|in the place of)\b/i, 'a plain verb'],
  [
    /\b(?:slip of the pen|without being told|everybody.s own|hurts? nobody|comes? up from)\b/i,
    'the plain term',
  ],
  [/\b(?:is|are) theirs\b/i, 'the noun'],
  [/\b(?:nobody (?:told|can tell)|told of|cannot tell)\b/i, 'unknown, inconclusive or worker_lost'],
  [/\b(?:comes?|came) to rest\b/i, 'is idle'],
  [/\b(?:as rough as|tells? the story|put off)\b/i, 'a plain verb'],
  [/\btak(?:e|es|en|ing) back\b/i, 'undone'],
  [/\bas a (?:person|human) (?:does|types)\b/i, 'how the command is run'],
];
const MAX_SUBJECT = 72;
/** Subjects before this commit are not checked. */
const FIRST_CHECKED = 'b865b56';
/** Generated files, other people's text, and this list. */
const SKIPPED = /schema\.ts$|package-lock\.json$|LICENSE$|\.svg$|^contracts\/.*\.json$|^test\/checks\//;

const faults = [...faultsOfFiles(), ...faultsOfSubjects()];
for (const fault of faults) process.stderr.write(`${fault}\n`);
if (faults.length > 0) {
  process.stderr.write(`${faults.length} texts to rewrite.\n`);
  process.exitCode = 1;
}

function* faultsOfFiles(): Generator<string> {
  for (const file of git('ls-files')) {
    if (SKIPPED.test(file) || !existsSync(file)) continue;
    for (const [index, line] of readFileSync(file, 'utf8').split('\n').entries())
      for (const [pattern, instead] of IDIOMS) {
        const found = pattern.exec(line)?.[0];
        if (found) yield `${file}:${index + 1}: "${found}" (instead: ${instead})`;
      }
  }
}

/** A shallow clone may lack the first checked commit; then subjects are not checked. */
function faultsOfSubjects(): string[] {
  return git('log', '--format=%s', `${FIRST_CHECKED}..HEAD`)
    .filter((subject) => subject.length > MAX_SUBJECT)
    .map((subject) => `commit subject over ${MAX_SUBJECT} characters: ${subject}`);
}

/** The lines of the output of a git command; none if the command fails. */
function git(...args: string[]): string[] {
  const { status, stdout } = spawnSync('git', args, { encoding: 'utf8', maxBuffer: 64 * 1_048_576 });
  return status === 0 ? stdout.split('\n').filter(Boolean) : [];
}
