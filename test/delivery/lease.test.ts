import { expect } from 'chai';
import { storedFunction } from '../../src/db/functions.ts';
import { leaseOf } from '../../src/delivery/accounts/lease.ts';
import { createSmtpProvider } from '../../src/providers/smtp/send.ts';
import { email } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { type Harness, startHarness } from '../support/harness.ts';

describe('The lease of a claim', () => {
  let service: Harness;
  before(async () => {
    service = await startHarness({ ROLE: 'api', PUBLIC_URL: 'https://messaging.example' });
  });
  after(() => service.stop());

  it('has time for files and large texts of emails, and only for those', async () => {
    const large = 'x'.repeat(200_000);
    const content = Buffer.from('a file').toString('base64');
    const bodies: Record<string, object> = {
      small: email,
      text: { ...email, body: undefined, text: large, html: '<p>x</p>' },
      html: { ...email, body: large },
      content: { ...email, attachments: [{ content, filename: 'a.txt' }] },
      url: { ...email, attachments: ['https://example.com/a.txt'] },
    };
    const leases: Record<string, unknown> = {};
    const routes = [''].map((assigned_to, n) => ({
      ...{ n, channel: 'email', assigned_to, reassignable: true, provider: 'account', preferred: [] },
      ...{ free_slots: 10, retries: 10, first: null, newest_first: false },
      ...{ lease_ms: 1_000, large_lease_ms: 2_000 },
    }));
    for (const [name, body] of Object.entries(bodies)) {
      const { status } = await service.request('POST', '/api/messages/email', {
        ...body,
        // Messages of one conversation wait for each other.
        to: `${name}@example.com`,
      });
      expect(status, name).to.equal(202);
      const [row] = await query(
        service.databaseUrl,
        `select lease_ms from ${storedFunction('claim_deliveries')}($1, 10, 10)`,
        [JSON.stringify(routes)],
      );
      leases[name] = row?.lease_ms;
    }
    expect(leases).to.deep.equal({
      ...{ small: 1_000, text: 2_000, html: 2_000, content: 2_000, url: 2_000 },
    });
  });

  it('of an account that takes the content of files includes the time to fetch and upload them', () => {
    const settings = { host: 'mail.example.com', port: 587, maxConnections: 1 };
    const account = { name: 'smtp', channel: 'email', kind: 'smtp', settings };
    const { lease_ms, large_lease_ms } = leaseOf(createSmtpProvider(account as never, 10_000));
    expect(large_lease_ms - lease_ms).to.equal(30_000 + 80_000);
  });
});
