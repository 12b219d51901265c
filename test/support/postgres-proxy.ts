import { connect, createServer, type Socket } from 'node:net';
import { listen } from './listen.ts';

/** Changes the bytes of one connection; by default the proxy forwards the bytes unchanged. */
export interface Changes {
  toServer?: (bytes: Buffer) => Buffer;
  toClient?: (bytes: Buffer) => Buffer;
}

export interface PostgresProxy {
  /** The URL of the database through the proxy. */
  url: string;
  stop(): void;
}

/** Starts a TCP proxy in front of a database. `change` returns the changes of a new connection. */
export async function startPostgresProxy(databaseUrl: string, change: () => Changes): Promise<PostgresProxy> {
  const { hostname, port } = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const database = connect(Number(port), hostname);
    const { toServer = unchanged, toClient = unchanged } = change();
    client.on('data', (bytes) => database.write(toServer(bytes)));
    database.on('data', (bytes) => client.write(toClient(bytes)));
    for (const [socket, other] of [
      [client, database],
      [database, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('end', () => other.end());
      socket.on('close', () => sockets.delete(socket));
    }
  });
  const url = Object.assign(new URL(databaseUrl), { hostname: '127.0.0.1', port: await listen(server) });
  return {
    url: url.href,
    stop: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function unchanged(bytes: Buffer): Buffer {
  return bytes;
}
