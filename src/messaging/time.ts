import { type Fault, InvalidRequestError } from '../errors.ts';

/** A time that the schema has let through; a date that no calendar has is a fault all the same. */
export function readTime(path: string, input: string | undefined, faults: Fault[]): Date | null {
  if (input === undefined) return null;
  const time = new Date(input);
  if (!Number.isNaN(time.getTime()) && time.getUTCFullYear() >= 1) return time;
  faults.push({ path, message: 'is not a time that exists' });
  return null;
}

/** @throws {InvalidRequestError} where no calendar has it. */
export function readQueryTime(name: string, input: string | undefined): Date | null {
  const faults: Fault[] = [];
  const time = readTime(`/query/${name}`, input, faults);
  if (faults.length > 0) throw new InvalidRequestError(faults);
  return time;
}
