import { connect, createServer, type Socket } from 'node:net';
import { listen } from '../../support/listen.ts';

/** A TCP connection to the database that can be cut, while other processes keep their connections. */
export interface CuttableConnection {
  /** The URL of the database through this connection. */
  url: string;
  /** Closes all connections and refuses new connections. */
  cut(): void;
  restore(): void;
  isOpen(): boolean;
  stop(): void;
}

export async function startConnection(databaseUrl: string): Promise<CuttableConnection> {
  const { hostname, port } = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((client) => {
    if (isCut) return client.destroy();
    const database = connect(Number(port), hostname);
    for (const [socket, other] of [
      [client, database],
      [database, client],
    ] as const) {
      sockets.add(socket);
      socket.pipe(other);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  const url = Object.assign(new URL(databaseUrl), { hostname: '127.0.0.1', port: await listen(server) });
  const closeAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    cut: () => {
      isCut = true;
      closeAll();
    },
    restore: () => {
      isCut = false;
    },
    isOpen: () => sockets.size > 0,
    stop: () => {
      server.close();
      closeAll();
    },
  };
}
