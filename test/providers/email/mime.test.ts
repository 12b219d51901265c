import { composeMime } from '../../../src/providers/email/mime.ts';
import { expectNoBlindCopy, expectSame, readBack, referenceEmail } from '../../support/mail.ts';

describe('composeMime', () => {
  it('composes an email that an independent parser reads back whole, without its blind copies', async () => {
    const message = referenceEmail();
    const raw = await composeMime(message);
    expectSame(await readBack(raw), message);
    expectNoBlindCopy(raw, message);
  });
});
