import { expect } from 'chai';
import type { Channel } from '../../../../src/channel.ts';
import { KINDS } from '../../../../src/providers/registry.ts';
import { describeAuthenticity } from './authenticity.ts';
import { type Bench, startBench } from './bench.ts';
import { describeCapabilities } from './capabilities.ts';
import { describeInbound } from './inbound.ts';
import { describeMedia } from './media.ts';
import { describeOptOuts } from './opt-outs.ts';
import { describeReceipts } from './receipts.ts';
import { describeSending } from './sending.ts';
import { describeSilence } from './silence.ts';
import { hasInbound, NO_WEBHOOKS, type Subjects } from './subject.ts';

/**
 * The conformance suite that every kind of provider runs, through the public interface of a service and the simulator's
 * dialect of the kind.
 *
 * @param name the kind.
 * @param subjects the kind at each of its channels.
 */
export function describeKind(name: string, subjects: Subjects): void {
  const kind = KINDS.find(({ config }) => config.name === name);

  describe(`Conformance of the kind '${name}'`, function () {
    this.timeout(60_000);

    it('is defined for every channel of the kind', () => {
      expect(Object.keys(subjects).sort()).to.deep.equal(kind?.config.channels.toSorted());
    });

    for (const [channel, subject] of Object.entries(subjects))
      describe(`at the channel ${channel}`, () => {
        let bench: Bench;
        before(async () => {
          bench = await startBench(subject, channel as Channel);
        });
        after(() => bench?.stop());
        beforeEach(() => bench.control('POST', 'reset'));

        const get = () => bench;
        describeSending(subject, get);
        describeCapabilities(subject, get);
        if (subject.webhooks === NO_WEBHOOKS) {
          describeSilence(get);
          return;
        }
        describeReceipts(subject, get);
        if (hasInbound(subject)) {
          describeInbound(subject, get);
          describeMedia(subject, channel as Channel, get);
        }
        describeOptOuts(subject, channel as Channel, get);
        describeAuthenticity(subject, get);
      });
  });
}
