import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { signedHeaders } from '../../../src/providers/ses/sigv4.ts';
import { readCertificate } from '../../../src/providers/ses/sns/certificates.ts';
import { readEnvelope, type SnsEnvelope } from '../../../src/providers/ses/sns/envelope.ts';
import { hasSignatureForm, isSignedBy } from '../../../src/providers/ses/sns/signature.ts';
import { certificateUrl, confirmationUrl } from '../../../src/providers/ses/sns/urls.ts';
import { TOPIC } from '../../support/ses.ts';

const vectorsOf = (name: string) =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8'));
const NOW = Date.parse('2026-11-27T10:00:00Z');

describe('The signature of a request to AWS', () => {
  it('is that of the public vectors', () => {
    for (const vector of vectorsOf('sigv4')) {
      const { accessKeyId, secretAccessKey, region, service, method, path, date, headers, body } = vector;
      const url = new URL(`https://${headers.host}${path}`);
      const now = new Date(date.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)/, '$1-$2-$3:$4:'));
      const credentials = { accessKeyId, secretAccessKey, sessionToken: null };
      const signed = signedHeaders({ method, url, headers: {}, body }, credentials, { region, service }, now);
      expect(signed).to.deep.equal({ 'x-amz-date': date, authorization: vector.authorization });
    }
  });
});

describe('The signature of SNS', () => {
  const { certificate, messages } = vectorsOf('sns');
  const key = readCertificate(certificate, NOW)?.key;
  const isValid = (fields: object) => {
    const envelope = readEnvelope(fields);
    return envelope !== null && hasSignatureForm(envelope) && isSignedBy(key as never, envelope);
  };

  it('of the vectors is valid, and invalid after any change of a field', () => {
    for (const message of messages) {
      expect(isValid(message), message.Type).to.equal(true);
      for (const [name, value] of Object.entries<string>(message)) {
        if (name === 'SigningCertURL') continue;
        expect(isValid({ ...message, [name]: `${value} ` }), `${message.Type} ${name}`).to.equal(false);
        expect(isValid({ ...message, [name]: undefined }), `${message.Type} ${name}`).to.equal(false);
      }
      expect(isValid({ ...message, Subject: 'Added' })).to.equal(message.Type !== 'Notification');
    }
  });

  it('does not fit a message whose fields have other limits', () => {
    const { Message, MessageId, Timestamp, ...rest } = messages[0];
    const moved = { ...rest, Message, MessageId: `${MessageId}\nTimestamp\n${Timestamp}`, Timestamp: '' };
    expect(readEnvelope(moved)).to.equal(null);
  });

  it('has a known version and one text of its bytes', () => {
    const envelope = readEnvelope(messages[0]) as SnsEnvelope;
    expect(hasSignatureForm(envelope)).to.equal(true);
    for (const signatureVersion of ['', '0', '3', '01'])
      expect(hasSignatureForm({ ...envelope, signatureVersion })).to.equal(false);
    for (const signature of ['', 'AAAA', `${envelope.signature}=`, envelope.signature.replace(/=+$/, '')])
      expect(hasSignatureForm({ ...envelope, signature })).to.equal(false);
  });

  it('is by a certificate that is valid now', () => {
    expect(readCertificate(certificate, NOW)).to.not.equal(null);
    for (const year of ['2020', '2040'])
      expect(readCertificate(certificate, Date.parse(`${year}-01-01T00:00:00Z`))).to.equal(null);
    expect(readCertificate('-----BEGIN CERTIFICATE-----', NOW)).to.equal(null);
    expect(readCertificate(certificate.replace('MIID', 'MIIE'), NOW)).to.equal(null);
  });
});

describe('The URLs of SNS', () => {
  const HOST = 'https://sns.eu-west-1.amazonaws.com';
  const PATH = '/SimpleNotificationService-0123456789abcdef.pem';

  it('of certificates are of its host and of the documented path', () => {
    for (const host of [
      HOST,
      'https://sns.cn-north-1.amazonaws.com.cn',
      'https://sns.us-gov-west-1.amazonaws.com',
    ])
      expect(certificateUrl(host + PATH, null)?.href).to.equal(host + PATH);
    const wrong = [
      `http://sns.eu-west-1.amazonaws.com${PATH}`,
      `https://sns.eu-west-1.amazonaws.com:8443${PATH}`,
      `https://user@sns.eu-west-1.amazonaws.com${PATH}`,
      `https://sns.eu-west-1.amazonaws.com.example${PATH}`,
      `https://sns.eu-west-1.amazonaws.com@example.com${PATH}`,
      `https://s3.eu-west-1.amazonaws.com${PATH}`,
      `https://bucket.s3.amazonaws.com${PATH}`,
      `https://sns.a.b.amazonaws.com${PATH}`,
      `https://sns.eu-west-1.amazonaws.org${PATH}`,
      `https://xsns.eu-west-1.amazonaws.com${PATH}`,
      `${HOST}/a/..${PATH}x`,
      `${HOST}/other.pem`,
      `${HOST}/a${PATH}`,
      `${HOST}${PATH}?a=1`,
      `${HOST}${PATH}#a`,
      'sns.eu-west-1.amazonaws.com',
      'http://127.0.0.1:8081/SimpleNotificationService-a.pem',
      '',
    ];
    for (const url of wrong) expect(certificateUrl(url, null), url).to.equal(null);
  });

  it('of confirmations name the topic', () => {
    const urlOf = (fields: object) => `${HOST}/?${new URLSearchParams({ Token: 't', ...fields })}`;
    const own = urlOf({ Action: 'ConfirmSubscription', TopicArn: TOPIC });
    expect(confirmationUrl(own, TOPIC, null)?.href).to.equal(own);
    const wrong = [
      urlOf({ Action: 'DeleteTopic', TopicArn: TOPIC }),
      urlOf({ Action: 'ConfirmSubscription', TopicArn: `${TOPIC}-other` }),
      own.replace('/?', '/a?'),
      own.replace(HOST, 'https://sns.example.com'),
      own.replace('https', 'http'),
    ];
    for (const url of wrong) expect(confirmationUrl(url, TOPIC, null), url).to.equal(null);
  });

  it('include those of the simulator for an account of the simulator', () => {
    const simulator = 'http://127.0.0.1:8081';
    expect(certificateUrl(simulator + PATH, simulator)?.href).to.equal(simulator + PATH);
    expect(certificateUrl(HOST + PATH, simulator)?.href).to.equal(HOST + PATH);
    expect(certificateUrl(simulator + PATH, null)).to.equal(null);
    expect(certificateUrl(`http://127.0.0.1:8082${PATH}`, simulator)).to.equal(null);
  });
});
