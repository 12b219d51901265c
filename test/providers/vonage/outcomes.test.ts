import { expect } from 'chai';
import type { ErrorClass } from '../../../src/openapi/error-class.ts';
import { createRegistry } from '../../../src/providers/registry.ts';
import { vonageDialect } from '../../../src/providers/vonage/outcome.ts';
import { loadConfig } from '../../../src/service/service.ts';
import { uuidOf, vonageEnvironment } from '../../support/vonage.ts';

const PAGE = 'https://developer.vonage.com/en/api-errors/messages';

/** Every code of the table, and the statuses without a code. */
describe('A response of Vonage', () => {
  type Row = [outcome: string, errorClass: ErrorClass, isOperatorError?: boolean];
  const THROTTLED: Row = ['throttled', 'rate_limited'];
  const UNKNOWN: Row = ['unknown', 'provider_error'];
  const UNAVAILABLE: Row = ['unavailable', 'provider_error', false];
  const OPERATOR: Row = ['unavailable', 'account_problem', true];
  const SENDER: Row = ['unavailable', 'sender_not_allowed', true];
  const rejected = (errorClass: ErrorClass): Row => ['rejected', errorClass];
  const each = (codes: number[], row: Row): [number, Row][] => codes.map((code) => [code, row]);
  const CODES: [code: number, row: Row][] = [
    ...each([1000], THROTTLED),
    [1241, ['unavailable', 'rate_limited', false]],
    ...each([1100], UNAVAILABLE),
    ...each([1030, 1320, 1330, 1331], UNKNOWN),
    ...each([1060, 1070, 1080, 1140, 1160], OPERATOR),
    ...each([1120, 1420], SENDER),
    ...each([1040, 1050, 1170, 1300, 1310, 1430], rejected('invalid_destination')),
    ...each([1240], rejected('opted_out')),
    ...each([1180, 1190, 1200, 1220, 1230, 1250, 1260, 1290], rejected('unreachable')),
    ...each([1210, 1270, 1280], rejected('blocked_by_carrier')),
    ...each([1360], rejected('expired')),
    ...each([1010, 1020, 1021, 1022, 1090, 1130, 1150, 1340], rejected('content_rejected')),
    ...each([1380, 1381, 1382, 1440, 1450], rejected('content_rejected')),
  ];
  const STATUSES: [status: number, row: Row][] = [
    ...each([429], THROTTLED),
    ...each([500, 501, 502, 503, 504, 520, 522, 524, 408, 499, 303], UNKNOWN),
    ...each([521, 523], UNAVAILABLE),
    ...each([401, 402, 403, 404, 405, 407, 411, 415, 525, 526, 301, 302, 307], OPERATOR),
    ...each([400, 409, 413, 422], rejected('provider_error')),
  ];
  const read = (status: number, body: unknown) =>
    vonageDialect.readFailure({ status, headers: {}, text: JSON.stringify(body), retryAfterMs: 5 });
  const expectRow = (failure: ReturnType<typeof read>, [outcome, errorClass, isOperatorError]: Row) => {
    expect(failure).to.include({ outcome, class: errorClass });
    expect('isOperatorError' in failure ? failure.isOperatorError : undefined).to.equal(isOperatorError);
  };

  for (const [code, row] of CODES)
    it(`with the code ${code} is ${row.slice(0, 2).join(', ')}, with any status`, () => {
      for (const status of [401, 422, 429, 500, 503]) {
        const failure = read(status, { type: `https://a.example/messages#${code}`, title: 'T', detail: 'D' });
        expectRow(failure, row);
        expect(failure).to.include({ code: `${code}`, url: `${PAGE}#${code}`, detail: 'D' });
      }
    });

  for (const [status, row] of STATUSES)
    it(`${status} without a known code is ${row.slice(0, 2).join(', ')}`, () => {
      for (const body of [null, [], {}, { type: 'https://a.example/#unauthorized', title: 'T' }]) {
        const failure = read(status, body);
        expectRow(failure, row);
        expect(failure.code).to.equal(`http_${status}`);
        expect(failure.url).to.equal(undefined);
      }
      expectRow(read(status, { type: 'https://a.example/messages#9999' }), row);
    });

  it('202 is accepted only with the UUID of a message', () => {
    const outcomeOf = (body: unknown) =>
      vonageDialect.readSuccess({ status: 202, headers: {}, text: JSON.stringify(body), retryAfterMs: null });
    expect(outcomeOf({ message_uuid: uuidOf(1), workflow_id: 'x' })).to.deep.equal({
      ...{ outcome: 'accepted', httpStatus: 202, providerMessageId: uuidOf(1) },
    });
    for (const body of [
      null,
      {},
      [],
      { message_uuid: 'x' },
      { message_uuid: 1 },
      { message_uuid: [uuidOf(1)] },
    ])
      expect(outcomeOf(body)).to.include({ outcome: 'unknown', code: 'malformed_response' });
  });
});

describe('Vonage replies to keywords itself', () => {
  const { accounts } = loadConfig(vonageEnvironment('http://127.0.0.1:1'));
  const [account] = createRegistry(accounts, 1_000).sms;
  const senders: [sender: string, replies: boolean][] = [
    ...['+18005550100', '+18335550100', '+18445550100', '+18555550100'].map(
      (each) => [each, true] as [string, true],
    ),
    ...['+18665550100', '+18775550100', '+18885550100'].map((each) => [each, true] as [string, true]),
    ...['+12016661234', '+18045551234', '+18225550100'].map((each) => [each, false] as [string, false]),
    ...['+448005550100', '72000', 'ACME', '18005550100'].map((each) => [each, false] as [string, false]),
  ];
  for (const [sender, replies] of senders)
    it(`${replies ? 'for' : 'not for'} the sender ${sender}`, () => {
      expect(account?.answersOptOuts(sender)).to.equal(replies);
    });
});
