import { createClient } from '../../sdk/src/index.ts';

/** Creates messages, conversations and a link, so that requests with small ids find them. */
export async function populate(baseUrl: string, apiKey: string): Promise<void> {
  const { messages, participants } = createClient({ baseUrl, apiKey });
  for (let index = 0; index < 20; index++) {
    const at = index % 4 === 0 ? { send_at: '2999-01-01T00:00:00Z' } : {};
    await messages.send({ from: '+12016661234', to: `+180455510${index + 10}`, body: 'Hello', ...at });
    await messages.send({ from: 'shop@example.com', to: `person-${index}@example.com`, body: 'Hello' });
  }
  await participants.link(2, 3);
}
