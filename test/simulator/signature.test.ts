import { expect } from 'chai';
import { sign } from '../../src/simulator/dialects/standard/signature.ts';
import { secret } from './support.ts';

describe('The signature of a webhook', () => {
  it('equals the signature of the Standard Webhooks test vector', () => {
    const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
    expect(sign(secret, id, 1_614_265_330, '{"test": 2432232314}')).to.deep.equal({
      'webhook-id': id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });
});
