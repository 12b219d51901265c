// A text chat: prints inbound messages, earlier messages first, and sends each typed line, until Ctrl-D. Usage:
//   make package && node_modules/.bin/node docs/examples/chat.ts +12016661234 +18045551234
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@messaging-service/sdk';

const [us = '+12016661234', them = '+18045551234'] = process.argv.slice(2);
const { MESSAGING_URL: baseUrl = 'http://127.0.0.1:8080', API_KEY: apiKey } = process.env;
const { messages, conversations } = createClient({ baseUrl, apiKey });

async function findConversation() {
  for await (const conversation of conversations.list({ participant: [us, them] }))
    if (conversation.participants.length === 2) return conversation;
}

let seen = 0;
async function printNew() {
  const conversation = await findConversation();
  if (!conversation) return;
  for await (const message of conversations.messages(conversation.id, { after_id: seen })) {
    if (message.direction === 'inbound') console.log(`${message.from}: ${message.body}`);
    seen = message.id;
  }
}

async function follow() {
  for (let last = ''; ; await sleep(1_000)) {
    const failure = await printNew().then(() => '', String);
    if (failure && failure !== last) console.error(`Not read: ${failure}`);
    last = failure;
  }
}

const typed = createInterface({ input: process.stdin });
follow();
for await (const body of typed) {
  const sending = messages.send({ type: 'sms', from: us, to: them, body });
  await sending.catch((error) => console.error(`Not sent: ${error}`));
}
process.exit();
