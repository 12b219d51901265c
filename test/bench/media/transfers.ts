import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { finished } from 'node:stream/promises';
import { apiKey, type BenchProcess } from '../service.ts';

const FILE_BYTES = 25 * 1_048_576;
const PART = Buffer.alloc(65_536, 'x');
const HEADERS = { authorization: `Bearer ${apiKey}`, 'content-type': 'image/jpeg' };

export interface Transfers {
  idleMiB: number;
  peakMiB: number;
  seconds: number;
}

/** Up- and downloads a file of 25 MiB `count` times each, all at once, after one of each. */
export async function transferAll(service: BenchProcess, count: number): Promise<Transfers> {
  const id = await upload(service.url);
  await download(service.url, id);
  // 5 resets the peak (proc_pid_clear_refs(5)).
  writeFileSync(`/proc/${service.pid}/clear_refs`, '5');
  const idleMiB = memoryMiB(service, 'VmRSS');
  const started = performance.now();
  const uploads = Array.from({ length: count }, () => upload(service.url));
  const downloads = Array.from({ length: count }, () => download(service.url, id));
  await Promise.all([...uploads, ...downloads]);
  const seconds = (performance.now() - started) / 1_000;
  return { idleMiB, peakMiB: memoryMiB(service, 'VmHWM'), seconds };
}

function memoryMiB({ pid }: BenchProcess, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1_024;
}

/** Resolves with the id of the file. */
async function upload(url: string): Promise<number> {
  const headers = { ...HEADERS, 'content-length': FILE_BYTES };
  const sending = request(`${url}/api/media`, { method: 'POST', headers, agent: false });
  const response = responseOf(sending, 201);
  for (let sent = 0; sent < FILE_BYTES; sent += PART.length)
    if (!sending.write(PART)) await Promise.race([once(sending, 'drain'), response]);
  sending.end();
  let body = '';
  for await (const part of await response) body += part;
  return JSON.parse(body).id;
}

/** Reads the file to its end, and drops it. */
async function download(url: string, id: number): Promise<void> {
  const sending = request(`${url}/api/media/${id}/content`, { headers: HEADERS, agent: false }).end();
  const response = await responseOf(sending, 200);
  let size = 0;
  response.on('data', (part: Buffer) => {
    size += part.length;
  });
  await finished(response);
  if (size !== FILE_BYTES) throw new Error(`The file has ${size} bytes.`);
}

async function responseOf(sending: ClientRequest, status: number): Promise<IncomingMessage> {
  const [response] = (await once(sending, 'response')) as [IncomingMessage];
  if (response.statusCode !== status) throw new Error(`The status is ${response.statusCode}.`);
  return response;
}
