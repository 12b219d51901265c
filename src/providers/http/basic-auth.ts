import { timingSafeEqual } from 'node:crypto';
import { EnvError, makeValidator } from 'envalid';
import * as values from '../../config/values.ts';
import type { Verification } from '../provider.ts';

/** The user and the passwords in the URL of a webhook; two passwords during a rotation. */
export interface BasicCredentials {
  user: string;
  passwords: readonly string[];
}

/** A user name that a URL contains as it is. */
export const webhookUser = makeValidator((input) => {
  if (!/^[\w.~-]{1,64}$/.test(input)) throw new EnvError('is not 1 to 64 letters, digits, or ._~-');
  return input;
});
/** Passwords that a URL contains as they are. The error does not repeat them. */
export const webhookPasswords = makeValidator((input) => {
  const passwords = values.list()._parse(input);
  if (passwords.length > 2 || !passwords.every((password) => /^[\w.~-]{16,128}$/.test(password)))
    throw new EnvError(
      'is not a password of 16 to 128 letters, digits, or ._~- (openssl rand -hex 24), or two separated by a comma',
    );
  return passwords;
});

/** Checks the header `Authorization` of a webhook (RFC 7617), in constant time for each password. */
export function verifyBasic(header: string | undefined, { user, passwords }: BasicCredentials): Verification {
  if (header === undefined || header === '') return 'absent';
  const [, encoded = ''] = /^Basic ([A-Za-z0-9+/]{1,400}={0,2})$/i.exec(header) ?? [];
  const given = Buffer.from(encoded, 'base64');
  const isEqual = (password: string) => {
    const expected = Buffer.from(`${user}:${password}`);
    return given.length === expected.length && timingSafeEqual(given, expected);
  };
  return passwords.filter(isEqual).length > 0 ? 'valid' : 'invalid';
}
