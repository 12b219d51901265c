import { expect } from 'chai';
import { findOracle, NOT_INSTALLED } from '../../support/oracles.ts';
import { SERVER_TOKEN } from '../../support/postmark.ts';
import { type Play, startPlay } from '../support.ts';

interface Failure {
  name: string;
  code: number;
  statusCode: number;
}
interface Client {
  sendEmail(email: object): Promise<{ MessageID: string; ErrorCode: number; Message: string }>;
  getOutboundMessages(filter: object): Promise<{ TotalCount: number; Messages: { MessageID: string }[] }>;
  getServer(): Promise<{ Name: string }>;
}
interface Library {
  ServerClient: new (token: string, options: { useHttps: boolean; requestHost: string }) => Client;
}

const library = findOracle<Library>('postmark');

describe(`The official Postmark library${library ? '' : NOT_INSTALLED}`, () => {
  let play: Play;
  before(async function () {
    if (!library) return this.skip();
    play = await startPlay({ apiKey: SERVER_TOKEN });
  });
  after(() => play?.stop());

  const client = (token = SERVER_TOKEN) =>
    new (library as Library).ServerClient(token, {
      ...{ useHttps: false, requestHost: `127.0.0.1:${play.port}/postmark` },
    });
  const email = (To: string) => ({
    ...{
      From: '"Shop" <shop@example.com>',
      To,
      Subject: 'Hello',
      TextBody: 'Hello',
      HtmlBody: '<b>Hello</b>',
    },
    Headers: [
      { Name: 'Message-ID', Value: '<m42@example.com>' },
      { Name: 'X-PM-KeepID', Value: 'true' },
    ],
    Attachments: [
      { Name: 'a.txt', Content: 'YWJj', ContentType: 'text/plain', ContentID: 'cid:a@example.com' },
    ],
    ...{ Metadata: { echo: 'a-b_1' }, MessageStream: 'outbound' },
  });
  const failed = (sending: Promise<unknown>) =>
    sending.then(
      () => null,
      (error: Failure) => error,
    );

  it('sends an email to the simulator, finds it, and reads the server', async () => {
    const { MessageID, ErrorCode } = await client().sendEmail(email('ada@example.net'));
    expect(ErrorCode).to.equal(0);
    expect((await play.accepted()).map(({ id }) => id)).to.deep.equal([MessageID]);
    const { Messages } = await client().getOutboundMessages({ count: 1, offset: 0, metadata_echo: 'a-b_1' });
    expect(Messages.map((message) => message.MessageID)).to.deep.equal([MessageID]);
    expect((await client().getServer()).Name).to.be.a('string');
  });

  it('reads the errors, and the recipients who are dropped', async () => {
    expect(await failed(client('wrong-token').getServer())).to.include({ code: 10, statusCode: 401 });
    expect(await failed(client().sendEmail(email('reject@example.net')))).to.include({ code: 300 });
    expect(await failed(client().sendEmail(email('inactive@example.net')))).to.include({
      ...{ name: 'InactiveRecipientsError', code: 406 },
    });
    const { Message } = await client().sendEmail(email('ada@example.net, inactive@example.net'));
    expect(Message).to.include('inactive@example.net');
  });
});
