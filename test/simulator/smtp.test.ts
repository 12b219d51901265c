import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import { startSimulator } from '../../src/simulator/server.ts';

describe('The simulated mail server', () => {
  it('receives further emails after a client has ended its connection within an email', async () => {
    const simulator = await startSimulator({ smtp: {} });
    const open = async () => {
      const socket = connect(simulator.smtpPort as number, '127.0.0.1').setEncoding('utf8');
      const say = async (line: string) => {
        const answered = once(socket, 'data');
        socket.write(`${line}\r\n`);
        return String((await answered)[0]);
      };
      await once(socket, 'data');
      return { socket, say };
    };
    const rejected: unknown[] = [];
    const note = (reason: unknown) => rejected.push(reason);
    process.on('unhandledRejection', note);
    try {
      const { socket, say } = await open();
      for (const line of [
        'EHLO shop.example',
        'MAIL FROM:<a@shop.example>',
        'RCPT TO:<b@example.com>',
        'DATA',
      ])
        expect(await say(line)).to.match(/^[23]/);
      socket.write('Subject: Hello\r\n\r\nHel');
      socket.destroy();
      const next = await open();
      expect(await next.say('EHLO shop.example')).to.match(/^250/);
      next.socket.destroy();
    } finally {
      process.off('unhandledRejection', note);
      await simulator.stop();
    }
    expect(rejected).to.deep.equal([]);
  });
});
