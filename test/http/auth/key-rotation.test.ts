import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Harness, startHarness } from '../../support/harness.ts';
import { until } from '../../support/until.ts';

const OLD = 'acme:the-old-key-of-acme';
const NEW = 'acme-2:the-new-key-of-acme';

describe('API keys in a file', () => {
  let directory: string;
  let file: string;
  let service: Harness;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'messaging-keys-'));
    file = join(directory, 'keys');
    await writeFile(file, `# The keys of the customers\n${OLD}\n`);
    service = await startHarness({ API_KEYS_FILE: file });
  });
  after(async () => {
    await service.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const statusWith = async (entry: string) =>
    (
      await service.request('GET', '/api/conversations', undefined, {
        authorization: `Bearer ${entry.split(':')[1]}`,
      })
    ).status;
  const untilStatuses = (oldStatus: number, newStatus: number) =>
    until(
      async () => (await statusWith(OLD)) === oldStatus && (await statusWith(NEW)) === newStatus,
      `requests with the old key get ${oldStatus}, and requests with the new key get ${newStatus}`,
    );
  const replace = async (text: string) => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };

  it('can be rotated without a restart: both keys are valid while the file has both', async () => {
    await untilStatuses(200, 401);
    await replace(`${OLD}\n${NEW}\n`);
    await untilStatuses(200, 200);
    await replace(`${NEW}\n`);
    await untilStatuses(401, 200);
  });

  it('end the streams of a removed key before the next event, and no other stream', async () => {
    await replace(`${OLD}\n${NEW}\n`);
    await untilStatuses(200, 200);
    const open = async (entry: string) => {
      const headers = { authorization: `Bearer ${entry.split(':')[1]}` };
      const response = await fetch(`${service.url}/api/events/stream`, { headers });
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      await reader.read();
      return reader;
    };
    const [removed, kept] = [await open(OLD), await open(NEW)];
    await replace(`${NEW}\n`);
    await untilStatuses(401, 200);
    await service.request(
      ...['POST', '/api/messages/sms', { from: '+12016661234', to: '+18045551234', body: 'Hello' }],
      { authorization: `Bearer ${NEW.split(':')[1]}` },
    );
    const { value } = await kept.read();
    expect(new TextDecoder().decode(value)).to.include('event: conversation.created');
    expect((await removed.read()).done).to.equal(true);
    await kept.cancel();
  });
});
