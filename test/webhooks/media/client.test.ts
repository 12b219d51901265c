import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import { MediaClient } from '../../../src/media/fetching/client.ts';
import type { FetchFailure } from '../../../src/media/fetching/failure.ts';
import type { Provider } from '../../../src/providers/provider.ts';
import { type DnsServer, startDnsServer } from '../../support/dns-server.ts';
import { type FileServer, startFileServer } from '../../support/media-bench.ts';

describe('The client that requests files', () => {
  let own: FileServer;
  let target: FileServer;
  let dns: DnsServer;
  let client: MediaClient;
  let provider: Pick<Provider, 'origin' | 'mediaHeaders'>;
  before(async () => {
    target = await startFileServer((_path, response) => response.end('A secret'));
    const port = new URL(target.url).port;
    own = await startFileServer((path, response: ServerResponse) =>
      response.writeHead(307, { location: `https://${path.slice(1)}:${port}/picture` }).end(),
    );
    dns = await startDnsServer({
      'loopback.test': [['127.0.0.1']],
      'private.test': [['10.1.2.3']],
      'mixed.test': [['93.184.215.14', '192.168.0.1']],
      'metadata.test': [['169.254.169.254']],
    });
    client = new MediaClient({ allowedPrivateHosts: [], dnsServers: [dns.address], responseMs: 5_000 });
    provider = { origin: own.url, mediaHeaders: () => null };
  });
  after(async () => {
    await dns?.stop();
    await own?.stop();
    await target?.stop();
  });

  const failureOf = (url: string): Promise<FetchFailure> =>
    client.open(url, provider, new AbortController().signal).then(
      () => expect.fail('The request succeeded'),
      (error) => error,
    );

  it('does not connect to a name with a private address, at first or after a redirect', async () => {
    for (const name of ['loopback.test', 'private.test', 'mixed.test', 'metadata.test']) {
      const urls = [
        `https://${name}/picture`,
        `https://${name.toUpperCase()}./picture`,
        `${own.url}/${name}`,
      ];
      for (const url of urls) {
        const failure = await failureOf(url);
        expect([failure.code, failure.isFinal(1, 2)], `${url}: ${failure.message}`).to.deep.equal([
          ...['address_not_allowed', true],
        ]);
      }
    }
    expect(dns.questions).to.include.members(['private.test', 'metadata.test']);
    expect(target.requests).to.deep.equal([]);
  });

  it('trusts the origin of the account, and no other port of its host', async () => {
    const { body } = await client.open(
      target.url,
      { ...provider, origin: target.url },
      AbortSignal.timeout(5_000),
    );
    body.destroy();
    expect(target.requests).to.have.length(1);
    expect((await failureOf(`${target.url}/picture`)).code).to.equal('address_not_allowed');
    expect(target.requests).to.have.length(1);
  });
});
