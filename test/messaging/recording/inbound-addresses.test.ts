import { expect } from 'chai';
import { addressParserOf } from '../../../src/messaging/address.ts';
import { readRecipients, readSender } from '../../../src/messaging/recording/inbound-addresses.ts';

const ADDRESSES = { sms: '+18045551234', email: 'ada@x.example' } as const;
const times = (length: number, text: string) => Array<string>(length).fill(text);

describe('An inbound address header', () => {
  for (const channel of ['sms', 'email'] as const) {
    const address = ADDRESSES[channel];
    let parsed = 0;
    const parseAddress = addressParserOf('US');
    const parse = (text: string) => {
      parsed++;
      return parseAddress(text);
    };
    beforeEach(() => {
      parsed = 0;
    });

    it(`of ${channel} is read up to its first 1,000 entries`, () => {
      expect(readRecipients(parse, channel, [...times(999, '12'), address])).to.have.length(1);
      expect(readRecipients(parse, channel, [...times(1_000, '12'), address])).to.have.length(0);
      expect(readSender(parse, channel, [...times(999, '12'), address]).key).to.equal(address);
    });

    it(`of ${channel} costs at most 2,000 parses`, () => {
      for (const header of [
        times(10_900, '12'),
        times(16_000, '1'),
        times(2_500, address),
        times(10_900, '12').join(','),
        times(100, times(100, '12').join(',')),
      ]) {
        for (const read of [readSender, readRecipients]) {
          parsed = 0;
          read(parse, channel, header);
          expect(parsed).to.be.at.most(2_000);
        }
      }
    });

    it(`of ${channel} is not read beyond the address of the sender`, () => {
      const readFirst = () => readSender(parse, channel, [address]);
      readFirst();
      const expected = parsed;
      parsed = 0;
      expect(readSender(parse, channel, [address, ...times(1_000, '12'), address])).to.deep.equal(
        readFirst(),
      );
      expect(parsed - expected).to.equal(expected);
    });
  }
});
