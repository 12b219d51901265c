import { createSocket } from 'node:dgram';
import { once } from 'node:events';

export interface DnsServer {
  /** The address and port. */
  address: string;
  /** The names of the questions about IPv4 addresses, in their order. */
  questions: string[];
  stop(): Promise<void>;
}

const [TYPE_A, CLASS_IN] = [1, 1];
/** A response, recursion desired and available. */
const FLAGS = 0x8180;
const HEADER_BYTES = 12;
/** Of a name, a pointer to the name in the question (RFC 1035, section 4.1.4). */
const NAME_OF_QUESTION = 0xc00c;

/**
 * A DNS server (RFC 1035) that answers each question about the IPv4 addresses of a name by the next entry of the name's list; the
 * last entry repeats. A name with an empty list gets no response. Every other question has an answer without addresses.
 */
export async function startDnsServer(answers: Record<string, string[][]>): Promise<DnsServer> {
  const left = new Map(Object.entries(answers).map(([name, lists]) => [name, [...lists]]));
  const questions: string[] = [];
  const next = (name: string): string[] => {
    questions.push(name);
    const lists = left.get(name) ?? [];
    return (lists.length > 1 ? lists.shift() : lists[0]) ?? [];
  };
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    const { name, type, end } = questionOf(query);
    if (answers[name]?.length === 0) return;
    const addresses = type === TYPE_A ? next(name) : [];
    socket.send(responseTo(query.subarray(0, end), addresses), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    ...{ address: `127.0.0.1:${socket.address().port}`, questions },
    stop: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
}

function questionOf(query: Buffer) {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** @param question the query up to the end of its question. */
function responseTo(question: Buffer, addresses: string[]): Buffer {
  const head = Buffer.from(question);
  head.writeUInt16BE(FLAGS, 2);
  for (const [index, count] of [1, addresses.length, 0, 0].entries())
    head.writeUInt16BE(count, 4 + 2 * index);
  const records = addresses.map((address) => {
    const record = Buffer.alloc(16);
    for (const [index, value] of [NAME_OF_QUESTION, TYPE_A, CLASS_IN, 0, 0, 4].entries())
      record.writeUInt16BE(value, 2 * index);
    record.set(address.split('.').map(Number), 12);
    return record;
  });
  return Buffer.concat([head, ...records]);
}
