import { expect } from 'chai';
import { AddressPolicy } from '../../../src/egress/address-policy.ts';
import { urlFault } from '../../../src/feed/endpoints/url.ts';

const NONE = new AddressPolicy([]);
const faultOf = (url: string, entries: string[] = []) => urlFault(url, new AddressPolicy(entries));

/** One address or more of each range that is not of the public internet. */
const NOT_PUBLIC = [
  ...['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '127.0.0.1', '127.255.255.255'],
  ...['169.254.169.254', '169.254.1.1', '100.64.0.1', '100.127.255.255', '0.0.0.0', '0.1.2.3'],
  ...[
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '192.0.0.192',
    '192.0.2.1',
    '198.18.0.1',
  ],
  ...['198.51.100.1', '203.0.113.1', '192.88.99.1', '168.63.129.16'],
  ...[
    '::',
    '::1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'fd00:ec2::254',
    'fec0::1',
    'ff02::1',
    '2001:db8::1',
  ],
  ...['::ffff:10.0.0.1', '::ffff:7f00:1', '::ffff:0:10.0.0.1', '::127.0.0.1', '::a00:1', '64:ff9b::7f00:1'],
  ...['64:ff9b::10.0.0.1', '64:ff9b:1::1', '2002:7f00:1::', '2001:0:1::1', '100::1', '3fff::1', '4000::1'],
];

describe('The addresses of endpoints', () => {
  it('are public by default', () => {
    for (const address of NOT_PUBLIC) expect(NONE.allows(address), address).to.equal(false);
    for (const address of ['8.8.8.8', '::ffff:8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700::1111'])
      expect(NONE.allows(address), address).to.equal(true);
    for (const text of ['', 'localhost', '10', '1.2.3', '1.2.3.4.5'])
      expect(NONE.allows(text), text).to.equal(false);
  });

  it('can be named, by themselves or by a range', () => {
    const policy = new AddressPolicy(['10.1.0.0/16', '192.168.1.5', 'fd00::/8', '64:ff9b::/96', '::1']);
    for (const address of ['10.1.0.1', '::ffff:10.1.2.3', '192.168.1.5', 'fd12::1', '64:ff9b::7f00:1', '::1'])
      expect(policy.allows(address), address).to.equal(true);
    for (const address of ['10.2.0.1', '192.168.1.6', 'fe80::1', '::2', '127.0.0.1'])
      expect(policy.allows(address), address).to.equal(false);
    expect([policy.isNamedAddress('8.8.8.8'), policy.isNamedAddress('10.1.0.1')]).to.deep.equal([
      false,
      true,
    ]);
  });
});

describe('The URL of an endpoint', () => {
  it('is an https URL without credentials and fragment', () => {
    for (const url of [
      'https://example.com',
      'https://example.com:8443/a/b?c=d',
      'https://8.8.8.8/',
      'https://[2606:4700::1111]/',
    ])
      expect(faultOf(url), url).to.equal(null);
    for (const [url, fault] of [
      ['ftp://example.com', 'must be an https URL'],
      ['file:///etc/passwd', 'must be an https URL'],
      ['javascript:alert(1)', 'must be an https URL'],
      ['https://', 'must be an https URL'],
      ['example.com', 'must be an https URL'],
      ['https://a@example.com', 'must not contain credentials'],
      ['https://:b@example.com', 'must not contain credentials'],
      ['https://example.com/#a', 'must not have a fragment'],
      ['https://example.com/#', 'must not have a fragment'],
    ] as const)
      expect(faultOf(url), url).to.equal(fault);
    for (const url of ['http://example.com', 'http://8.8.8.8/'])
      expect(faultOf(url), url).to.match(/^must be an https URL: http is only for hosts/);
  });

  it('has no private address in any notation', () => {
    for (const host of [
      ...['127.0.0.1', '2130706433', '0x7f.1', '017700000001', '127.1', '10.0.0.1', '169.254.169.254', '0'],
      ...['[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[64:ff9b::7f00:1]', '[fd00::1]', '①②⑦.0.0.1'],
      ...['localhost', 'LOCALHOST', 'localhost.', 'a.localhost'],
    ])
      expect(faultOf(`https://${host}/`), host).to.include('is not a public address');
  });

  it('has a private address, or http, if the host or its address is named', () => {
    for (const [url, entry] of [
      ['http://app.internal:3000/', 'app.internal'],
      ['http://APP.internal./', 'app.internal'],
      ['http://localhost/', 'localhost'],
      ['http://localhost/', '127.0.0.0/8'],
      ['http://10.1.2.3/', '10.0.0.0/8'],
      ['https://10.1.2.3/', '10.1.2.3'],
      ['http://[::1]:3000/', '::1'],
      ['http://[::ffff:10.1.2.3]/', '10.0.0.0/8'],
      // The address of a name is checked when a connection is made.
      ['http://app.other/', '10.0.0.0/8'],
    ] as const)
      expect(faultOf(url, [entry]), `${url} ${entry}`).to.equal(null);
    for (const [url, entry] of [
      ['http://app.internal/', 'other.internal'],
      ['http://app.internal.example.com/', 'app.internal'],
      ['http://11.1.2.3/', '10.0.0.0/8'],
      ['https://127.0.0.1/', '10.0.0.0/8'],
      ['http://localhost/', '10.0.0.0/8'],
    ] as const)
      expect(faultOf(url, [entry]), `${url} ${entry}`).to.be.a('string');
  });
});
