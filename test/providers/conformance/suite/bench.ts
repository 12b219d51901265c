import { expect } from 'chai';
import type { Message } from '../../../../sdk/src/index.ts';
import type { Channel } from '../../../../src/channel.ts';
import type { Provider } from '../../../../src/providers/provider.ts';
import { createRegistry } from '../../../../src/providers/registry.ts';
import { loadConfig } from '../../../../src/service/service.ts';
import { type Simulator, startSimulator } from '../../../../src/simulator/server.ts';
import type { Accepted } from '../../../../src/simulator/store.ts';
import { query } from '../../../support/database.ts';
import { environmentFor, type Harness, startHarness } from '../../../support/harness.ts';
import { freePort } from '../../../support/process.ts';
import type { Subject, Webhook } from './subject.ts';

interface Attempt {
  outcome: string;
  code: string | null;
  http_status: number | null;
}

/** A service with one account of a kind, and the simulator of the kind. */
export class Bench {
  readonly subject: Subject;
  readonly channel: Channel;
  readonly service: Harness;
  readonly simulator: Simulator;
  #count = 0;

  constructor(subject: Subject, channel: Channel, service: Harness, simulator: Simulator) {
    this.subject = subject;
    this.channel = channel;
    this.service = service;
    this.simulator = simulator;
  }

  async control<T = unknown>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${this.simulator.url}/_control/${path}`, {
      ...{ method, headers: { 'content-type': 'application/json' } },
      ...(body && { body: JSON.stringify(body) }),
    });
    expect(response.status, await response.clone().text()).to.be.within(200, 204);
    return (response.status === 204 ? null : await response.json()) as T;
  }

  /** A number that no other call returned. */
  next(): number {
    return ++this.#count;
  }

  recipient(): string {
    return this.subject.recipient(this.next());
  }

  id(): string {
    return this.subject.webhooks.id(this.next());
  }

  async faults(...faults: object[]): Promise<void> {
    const own = { channel: this.channel, dialect: this.subject.dialect };
    await this.control('PUT', 'faults', faults.map((fault) => ({ ...own, ...fault })) as object);
  }

  /** Sends a message; by default to a recipient of its own, so that no conversation waits for another. */
  async send(to = this.recipient(), more: object = {}): Promise<{ id: number; to: string }> {
    const message = { ...this.subject.message, to, ...more, timestamp: new Date().toISOString() };
    const { status, body } = await this.service.request('POST', `/api/messages/${this.channel}`, message);
    expect(status, JSON.stringify(body)).to.equal(202);
    return { id: body.id, to };
  }

  /** Sends a message without receipts and returns its id, the provider's id and the recipient. */
  async sendQuietly(): Promise<{ id: number; providerId: string; to: string }> {
    const { id, to } = await this.send();
    const { provider_message_id } = await this.service.untilStatus(id, 'sent');
    return { id, providerId: String(provider_message_id), to };
  }

  async message(id: number): Promise<Message> {
    return (await this.service.request('GET', `/api/messages/${id}`)).body;
  }

  async attempts(id: number): Promise<Attempt[]> {
    return (await this.service.request('GET', `/api/messages/${id}/attempts`)).body.data;
  }

  /** The provider's statuses in the receipts of a message. */
  async receipts(id: number): Promise<string[]> {
    const { body } = await this.service.request('GET', `/api/messages/${id}/timeline`);
    const entries: { type: string; receipt?: { status: string } }[] = body.data;
    return entries.flatMap(({ receipt }) => receipt?.status ?? []);
  }

  /** The messages that the simulator accepted for a recipient. */
  async acceptedFor(to: string): Promise<Accepted[]> {
    const { data } = await this.control<{ data: Accepted[] }>('GET', 'messages');
    return data.filter(({ request }) => this.subject.recipientOf(request) === to);
  }

  async inbound(providerMessageId: string): Promise<Message[]> {
    const { body } = await this.service.request('GET', '/api/messages?direction=inbound&limit=100');
    return body.data.filter((message: Message) => message.provider_message_id === providerMessageId);
  }

  /** Signs a webhook with the current secret. */
  signed(webhook: Webhook, secret = this.subject.secrets.current): Webhook {
    return this.subject.webhooks.sign(webhook, { secret, url: this.service.url });
  }

  /** Posts a webhook to the service. */
  async post({ path, headers, body }: Webhook, url = this.service.url) {
    const response = await fetch(url + path, { method: 'POST', headers, body });
    return {
      status: response.status,
      contentType: response.headers.get('content-type'),
      body: await response.text(),
    };
  }

  /** Posts a signed webhook, and expects the response that the kind gives to every webhook that is processed. */
  async deliver(webhook: Webhook): Promise<void> {
    const { contentType, body } = this.subject.webhooks.response;
    expect(await this.post(this.signed(webhook))).to.deep.equal({ status: 200, contentType, body });
  }

  /** The number of rows in each table that a webhook can change. */
  async stored(): Promise<object> {
    const tables = await query(
      this.service.databaseUrl,
      `select table_name from information_schema.tables where table_schema = current_schema()
       and table_name ~ '^(messages|participants|conversations|delivery_receipts|.*webhook.*)$'`,
    );
    const counts = tables.map(
      ({ table_name }) => `(select count(*)::int from "${table_name}") as "${table_name}"`,
    );
    const [row] = await query(this.service.databaseUrl, `select ${counts.join(', ')}`);
    expect(row).to.include.keys('messages', 'delivery_receipts');
    return row as object;
  }

  /** The account, as a service with this configuration creates it. */
  provider(): Provider {
    const { account, environment, secrets } = this.subject;
    const { accounts } = loadConfig({
      ...environmentFor(this.simulator.url, 'postgres://127.0.0.1/none'),
      [`${this.channel.toUpperCase()}_PROVIDERS`]: account,
      ...environment(account, this.simulator.url, [secrets.current]),
    });
    const [provider] = createRegistry(accounts, 1_000)[this.channel];
    if (!provider) throw new Error(`There is no account ${account}`);
    return provider;
  }

  async stop(): Promise<void> {
    await this.service.stop();
    await this.simulator.stop();
  }
}

export async function startBench(subject: Subject, channel: Channel): Promise<Bench> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const simulator = await startSimulator({
    ...subject.simulator,
    settings: { service_url: url, provider_name: subject.account, receipts: { delay_ms: 5 } },
  });
  const { current, previous } = subject.secrets;
  const service = await startHarness({
    ...{ PORT: String(port), PUBLIC_URL: url, PROVIDER_TIMEOUT_MS: '3000' },
    // For servers of the tests that are not of the provider.
    ALLOWED_PRIVATE_HOSTS: '127.0.0.1',
    ...{ [`${channel.toUpperCase()}_PROVIDERS`]: subject.account },
    ...subject.environment(subject.account, simulator.url, [current, previous]),
  });
  return new Bench(subject, channel, service, simulator);
}
