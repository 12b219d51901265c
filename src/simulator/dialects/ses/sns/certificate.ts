import { createPrivateKey, createPublicKey, hash, type KeyObject, sign } from 'node:crypto';

/** The parts of DER (X.690) that a certificate needs. */
const SEQUENCE = 0x30;
const SET = 0x31;
const RSA_SHA256 = element(SEQUENCE, element(0x06, Buffer.from('2a864886f70d01010b', 'hex')), element(0x05));
const COMMON_NAME = element(0x06, Buffer.from('550403', 'hex'));

function element(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

/**
 * A certificate that its own key signs, in the PEM format. It is valid until 2049.
 *
 * @param privateKey an RSA key.
 */
export function selfSignedCertificate(privateKey: KeyObject, name: string): string {
  const publicKey = createPublicKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const text = element(0x0c, Buffer.from(name));
  const distinguishedName = element(SEQUENCE, element(SET, element(SEQUENCE, COMMON_NAME, text)));
  const time = (value: string) => element(0x17, Buffer.from(value));
  const content = element(
    SEQUENCE,
    element(0xa0, element(0x02, Buffer.from([2]))),
    element(0x02, Buffer.from([1])),
    RSA_SHA256,
    distinguishedName,
    element(SEQUENCE, time('200101000000Z'), time('491231235959Z')),
    distinguishedName,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = element(0x03, Buffer.from([0]), sign('RSA-SHA256', content, privateKey));
  const base64 = element(SEQUENCE, content, RSA_SHA256, signature).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`;
}

export interface SigningKey {
  privateKey: KeyObject;
  certificate: string;
  /** The path of the certificate at SNS. */
  path: string;
}

/** The key of the simulated SNS. */
export function signingKeyOf(pem: string): SigningKey {
  const privateKey = createPrivateKey(pem);
  const certificate = selfSignedCertificate(privateKey, 'sns.amazonaws.com');
  return {
    ...{ privateKey, certificate },
    path: `/SimpleNotificationService-${hash('sha256', certificate).slice(0, 32)}.pem`,
  };
}
