import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createKeywordMatcher } from '../../src/consent/keywords.ts';
import { StartError } from '../../src/errors.ts';
import { loadConfig } from '../../src/service/service.ts';

const GERMAN = {
  stop: ['HALT'],
  start: ['WEITER'],
  help: ['HILFE'],
  replies: { stop: 'Beendet.', start: 'Willkommen zurück.', help: null },
};

function faults(environment: Record<string, string>): string[] {
  try {
    loadConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof StartError) return error.reasons;
    throw error;
  }
}

describe('The configuration of consent', () => {
  let folder: string;
  let file: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keywords-'));
    file = join(folder, 'keywords.json');
  });
  after(() => rm(folder, { recursive: true }));

  const faultsOf = async (content: string | Uint8Array) => {
    await writeFile(file, content);
    return faults({ CONSENT_KEYWORDS: file });
  };
  const languageFault = async (change: object) => {
    const [fault = 'no fault'] = await faultsOf(JSON.stringify({ de: { ...GERMAN, ...change } }));
    return fault;
  };

  it('has keywords in English, Spanish and French by default, and a STOP for the channel', () => {
    const config = loadConfig({});
    expect(Object.keys(config.keywords)).to.deep.equal(['en', 'es', 'fr']);
    expect(config.stopScope).to.equal('channel');
    expect(loadConfig({ STOP_SCOPE: 'sender' }).stopScope).to.equal('sender');
    expect(faults({ STOP_SCOPE: 'all' })).to.deep.equal(['STOP_SCOPE: "all" is none of channel, sender']);
  });

  it('replaces the languages by those of a file', async () => {
    await writeFile(file, JSON.stringify({ de: GERMAN }));
    const { keywords } = loadConfig({ CONSENT_KEYWORDS: file });
    expect(keywords).to.deep.equal({ de: GERMAN });
    expect(createKeywordMatcher(keywords)('Halt!')).to.deep.equal({ action: 'stop', reply: 'Beendet.' });
  });

  it('names each fault of a file', async () => {
    expect(faults({ CONSENT_KEYWORDS: join(folder, 'none.json') })[0]).to.match(/^CONSENT_KEYWORDS: ENOENT/);
    expect(faults({ CONSENT_KEYWORDS: folder })).to.deep.equal([`CONSENT_KEYWORDS: ${folder} is not a file`]);
    expect((await faultsOf('{'))[0]).to.match(/^CONSENT_KEYWORDS: \S+ is not JSON in UTF-8: /);
    expect((await faultsOf(Uint8Array.of(0x22, 0xff, 0x22)))[0]).to.match(/is not JSON in UTF-8: /);
    expect((await faultsOf('[]'))[0]).to.match(/is not an object$/);
    expect((await faultsOf('{}'))[0]).to.match(/has no language$/);
    expect((await faultsOf(' '.repeat(65_537)))[0]).to.match(/has 65537 bytes, more than 65536$/);
    expect((await faultsOf(JSON.stringify({ German: GERMAN })))[0]).to.equal(
      'CONSENT_KEYWORDS: "German" is not the tag of a language, such as en or es-MX',
    );
  });

  it('names each fault of a language', async () => {
    const cases: [change: object, fault: string][] = [
      [{ stop: undefined }, 'de.stop is missing'],
      [{ stops: [] }, 'de.stops is an unknown field'],
      [{ stop: 'HALT' }, 'de.stop is not a list of texts'],
      [{ stop: ['HALT', '!'] }, 'de.stop[1] is not a text with letters or digits and at most 100 characters'],
      [
        { help: ['x'.repeat(101)] },
        'de.help[0] is not a text with letters or digits and at most 100 characters',
      ],
      [{ replies: {} }, 'de.replies.stop is missing'],
      [
        { replies: { stop: ' ', start: null, help: null } },
        'de.replies.stop is neither null nor a text of at most 1600 characters',
      ],
      [{ start: ['Hált'] }, '"Hált" is a keyword for stop and for start'],
      [{ start: ['opt-out'] }, '"OPT OUT" is a keyword for start and for stop'],
    ];
    for (const [change, fault] of cases)
      expect(await languageFault(change)).to.equal(`CONSENT_KEYWORDS: ${fault}`);
  });

  it('has a setting for the replies of each account', () => {
    const repliesOf = (value?: string) =>
      loadConfig({
        ...{ SMS_PROVIDERS: 'text-co', TEXT_CO_URL: 'http://127.0.0.1:9', TEXT_CO_KEY: 'key' },
        ...(value !== undefined && { TEXT_CO_CONSENT_REPLIES: value }),
      }).accounts[0]?.consentReplies;
    expect([repliesOf(), repliesOf('true'), repliesOf('false')]).to.deep.equal([null, true, false]);
  });
});
