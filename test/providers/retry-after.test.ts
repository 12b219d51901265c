import { expect } from 'chai';
import fc from 'fast-check';
import { parseRetryAfter } from '../../src/providers/http/retry-after.ts';
import { type ProviderServer, sendTo, startProviderServer } from '../support/provider-server.ts';
import { NOW, RETRY_AFTER } from '../support/retry-after.ts';

const HOUR_MS = 3_600_000;

describe("A provider's Retry-After", () => {
  for (const [value, seconds] of RETRY_AFTER)
    it(`${JSON.stringify(value)} ${seconds === null ? 'counts as absent' : `is ${seconds} s`}`, () => {
      expect(parseRetryAfter(value, NOW)).to.equal(seconds === null ? null : seconds * 1_000);
    });

  it('reads a year of two digits as at most 50 years in the future', () => {
    expect(parseRetryAfter('Wednesday, 01-Jan-76 00:00:00 GMT', NOW)).to.be.greaterThan(
      49 * 365 * 24 * HOUR_MS,
    );
    expect(parseRetryAfter('Saturday, 01-Jan-77 00:00:00 GMT', NOW)).to.equal(0);
  });

  it('any text is read without an error, as at least 0 milliseconds or as absent', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789.,:eE+- GMT') })),
        (value) => {
          const ms = parseRetryAfter(value, NOW);
          expect(ms === null || ms >= 0).to.equal(true);
        },
      ),
    );
  });

  describe('in a response', () => {
    let provider: ProviderServer;
    let headers: [string, string][] = [];
    let status = 429;
    let statuses: number[] = [];
    before(async () => {
      provider = await startProviderServer((_request, response) => {
        statuses.push(status);
        response.writeHead(status, headers.flat());
        response.end('{"id":"sms_1"}');
        status = 202;
      });
    });
    after(() => provider.stop());
    const parsed = async (...values: string[]) => {
      headers = values.map((value) => ['retry-after', value]);
      status = 429;
      const outcome = await sendTo(provider.url);
      return 'retryAfterMs' in outcome ? outcome.retryAfterMs : undefined;
    };

    it('is limited to an hour', async () => {
      for (const value of ['3601', '1732525200', '9'.repeat(400), 'Fri, 01 Jan 2100 00:00:00 GMT'])
        expect(await parsed(value), value).to.equal(HOUR_MS);
    });

    it('is read with fractions, and counts as absent if its value is invalid', async () => {
      expect([
        await parsed('60.0'),
        await parsed('0.5'),
        await parsed('soon'),
        await parsed(''),
      ]).to.deep.equal([...[60_000, 1_000, null, null]]);
    });

    it('counts as absent if it is repeated', async () => {
      expect([await parsed('5', '7'), await parsed('5', '5'), await parsed()]).to.deep.equal([
        null,
        null,
        null,
      ]);
    });

    it('decides by the same rules whether a call repeats its request', async () => {
      const requests = async (value: string) => {
        headers = [['retry-after', value]];
        status = 503;
        statuses = [];
        await sendTo(provider.url, { once: false });
        return statuses;
      };
      // A call does not wait this long. `Date.parse` reads 2000.5 as a date in the past, which would cause a repeat at once.
      expect(await requests('3.5')).to.deep.equal([503]);
      expect(await requests('2000.5')).to.deep.equal([503]);
      expect(await requests('0.0')).to.deep.equal([503, 202]);
    });
  });
});
