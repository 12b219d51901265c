import { mkdir } from 'node:fs/promises';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { type Harness, startHarness } from '../support/harness.ts';
import { launchChromium } from './chromium.ts';

const apiKey = 'correct-horse-battery';

describe('The reference page in a browser', () => {
  let service: Harness;
  let browser: Browser;
  let page: Page;
  let consoleErrors: string[];
  let foreignRequests: string[];
  before(async () => {
    browser = await launchChromium();
    service = await startHarness({ API_KEYS: `browser:${apiKey}` });
  });
  beforeEach(async () => {
    consoleErrors = [];
    foreignRequests = [];
    page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) consoleErrors.push(message.text());
    });
    page.on('pageerror', (error) => consoleErrors.push(error.message));
    page.on('request', (request) => {
      if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).origin !== service.url)
        foreignRequests.push(request.url());
    });
  });
  afterEach(() => page?.close());
  after(async () => {
    await browser?.close();
    await service?.stop();
  });

  const tagOf = (id: string) => (id.endsWith('Media') ? 'Media' : 'Messages');
  const operation = (id: string) => page.locator(`#operations-${tagOf(id)}-${id}`);
  const open = async (id: string) => {
    await page.goto(`${service.url}/docs#/${tagOf(id)}/${id}`);
    await operation(id).locator('.opblock-body').waitFor();
  };
  const authorize = async () => {
    await page.locator('.scheme-container .authorize').click();
    await page.locator('.modal-ux input').first().fill(apiKey);
    await page.locator('.modal-ux button.authorize').first().click();
    await page.locator('.modal-ux .btn-done').first().click();
  };
  const execute = async (id: string) => {
    const response = page.waitForResponse((response) => response.url().includes('/api/'));
    await operation(id).locator('button.execute').click();
    return response;
  };

  it('shows every operation and webhook, without errors in the console and without requests to other hosts', async () => {
    await page.goto(`${service.url}/docs`);
    await page.locator('.opblock').first().waitFor();
    const contract = (await service.request('GET', '/openapi.json')).body;
    const operations = Object.values<object>(contract.paths).flatMap((path) => Object.keys(path));
    const webhooks = Object.keys(contract.webhooks);
    expect(await page.locator('.opblock').count()).to.equal(operations.length + webhooks.length);
    expect(await page.locator('.webhooks .opblock-summary-path').allTextContents()).to.deep.equal(webhooks);
    expect(consoleErrors).to.deep.equal([]);
    expect(foreignRequests).to.deep.equal([]);
  });

  it('shows the samples of an operation', async () => {
    await open('sendMessage');
    const text = await operation('sendMessage').locator('.samples').textContent();
    expect(text).to.contain('client.messages.send(');
    expect(text).to.contain('curl');
  });

  it('sends a message to the running service with the entered API key', async () => {
    await open('sendMessage');
    expect((await execute('sendMessage')).status()).to.equal(401);
    await authorize();
    const answer = await execute('sendMessage');
    expect(answer.status()).to.equal(202);
    await operation('sendMessage').locator('.live-responses-table .response-col_status').first().waitFor();
    await mkdir('.bench', { recursive: true });
    await page.screenshot({ path: '.bench/docs.png' });
    const { body } = await service.request('GET', '/api/messages', undefined, {
      authorization: `Bearer ${apiKey}`,
    });
    expect(body.data.map(({ id }: { id: number }) => id)).to.deep.equal([(await answer.json()).id]);
    // The browser logs the 401 response as an error.
    expect(consoleErrors.filter((text) => !text.includes('401'))).to.deep.equal([]);
    expect(foreignRequests).to.deep.equal([]);
  });

  it('lists messages without filters by default', async () => {
    await open('listMessages');
    await authorize();
    const { searchParams } = new URL((await execute('listMessages')).url());
    expect([...searchParams.keys()]).to.deep.equal(['limit']);
  });

  it('uploads a file with the type of the file', async () => {
    await open('uploadMedia');
    await authorize();
    const file = { name: 'photo.png', mimeType: 'image/png', buffer: Buffer.from('a photo') };
    await operation('uploadMedia').locator('input[type=file]').setInputFiles(file);
    const answer = await execute('uploadMedia');
    expect(answer.status()).to.equal(201);
    expect(await answer.json()).to.include({ content_type: 'image/png', size: 7 });
  });

  it('opens from the link on the home page', async () => {
    await page.goto(service.url);
    await page.screenshot({ path: '.bench/home.png' });
    await page.getByRole('link', { name: '/docs', exact: true }).click();
    await page.locator('.opblock').first().waitFor();
    expect(consoleErrors).to.deep.equal([]);
  });
});
