import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { pipeline, Transform, type TransformCallback } from 'node:stream';

export interface Pooler {
  /** Of the same database, by way of the pooler. */
  url: string;
  /** How many notices it kept to itself. */
  dropped(): number;
  stop(): Promise<void>;
}

/** `NotificationResponse`, as PostgreSQL's protocol names what LISTEN asks for. */
const NOTIFICATION = 'A'.charCodeAt(0);
/** The type of a message, and its length without that. */
const HEADER = 5;

/** Stands between a service and PostgreSQL as a pooler does: LISTEN succeeds, and no notice ever comes of it. */
export async function startPooler(databaseUrl: string): Promise<Pooler> {
  const target = new URL(databaseUrl);
  const open = new Set<Socket>();
  let dropped = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname);
    const withoutNotices = dropMessages((type) => {
      if (type !== NOTIFICATION) return false;
      dropped++;
      return true;
    });
    for (const socket of [client, upstream]) open.add(socket.once('close', () => open.delete(socket)));
    pipeline(client, upstream, () => undefined);
    pipeline(upstream, withoutNotices, client, () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    dropped: () => dropped,
    stop: async () => {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** Passes a server's messages on whole, but for those of the types that are not wanted. */
function dropMessages(unwanted: (type: number) => boolean): Transform {
  let rest = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback) {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= HEADER) {
        const end = 1 + rest.readInt32BE(1);
        if (rest.length < end) break;
        if (!unwanted(rest.readUInt8(0))) this.push(rest.subarray(0, end));
        rest = rest.subarray(end);
      }
      done();
    },
  });
}
