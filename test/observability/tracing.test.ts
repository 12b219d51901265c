import { type Span, type SpanOptions, type Tracer, trace } from '@opentelemetry/api';
import { expect } from 'chai';
import { createLogger } from '../../src/observability/logger.ts';
import { traceparentOf } from '../../src/observability/tracing.ts';
import { sms } from '../support/bodies.ts';
import { query } from '../support/database.ts';
import { startEventReceiver } from '../support/event-receiver.ts';
import { startHarness } from '../support/harness.ts';
import { until } from '../support/until.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;

describe('The trace context of a request', () => {
  for (const [header, expected] of [
    [TRACEPARENT, TRACEPARENT],
    [`00-${TRACE}-${PARENT}-00`, `00-${TRACE}-${PARENT}-00`],
    [`cc-${TRACE}-${PARENT}-01-what-the-future-will-be`, TRACEPARENT],
    [`00-${TRACE}-${PARENT}-01-more`, null],
    [`ff-${TRACE}-${PARENT}-01`, null],
    [`00-${'0'.repeat(32)}-${PARENT}-01`, null],
    [`00-${TRACE}-${'0'.repeat(16)}-01`, null],
    [`00-${TRACE.toUpperCase()}-${PARENT}-01`, null],
    [`00-${TRACE}-${PARENT}`, null],
    ['', null],
    [undefined, null],
    [[TRACEPARENT, TRACEPARENT], null],
  ] as const)
    it(`is read by the rules of W3C Trace Context: ${header}`, () => {
      expect(traceparentOf(header)).to.equal(expected);
    });

  it('is stored with the message, and a link of the spans of the provider call and of the attempt at an endpoint', async () => {
    const spans: {
      name: string;
      options: SpanOptions;
      attributes: Record<string, unknown>;
      ended: boolean;
    }[] = [];
    const startActiveSpan = (name: string, options: SpanOptions, call: (span: Span) => unknown) => {
      const span = {
        name,
        options,
        attributes: { ...options.attributes } as Record<string, unknown>,
        ended: false,
      };
      spans.push(span);
      return call({
        setAttribute: (key: string, value: unknown) => (span.attributes[key] = value),
        setStatus: () => undefined,
        end: () => (span.ended = true),
      } as unknown as Span);
    };
    trace.setGlobalTracerProvider({ getTracer: () => ({ startActiveSpan }) as unknown as Tracer });
    const receiver = await startEventReceiver();
    const service = await startHarness({ ALLOWED_PRIVATE_HOSTS: '127.0.0.1' }, createLogger('silent'), false);
    try {
      let delivered = 0;
      const endpoint = await service.request('POST', '/api/endpoints', {
        ...{ url: receiver.url, event_types: ['message.delivered'] },
      });
      const requests: Record<string, string>[] = [
        { traceparent: TRACEPARENT },
        { traceparent: 'invalid' },
        {},
      ];
      for (const headers of requests) {
        const { status, body } = await service.request('POST', '/api/messages/sms', sms, headers);
        expect(status).to.equal(202);
        await service.untilStatus(body.id, 'delivered');
        const span = spans.find(({ attributes }) => attributes['messaging.message_id'] === body.id);
        const isTraced = Object.values(headers).includes(TRACEPARENT);
        const context = { traceId: TRACE, spanId: PARENT, traceFlags: 1, isRemote: true };
        expect(span?.options.links).to.deep.equal(isTraced ? [{ context }] : []);
        expect(span).to.include({ name: 'messaging.send', ended: true });
        expect(span?.attributes).to.include({
          'messaging.provider': 'text-co',
          'messaging.outcome': 'accepted',
        });
        const [row] = await query(service.databaseUrl, 'select traceparent from messages where id = $1', [
          body.id,
        ]);
        expect(row).to.deep.equal({ traceparent: isTraced ? TRACEPARENT : null });
        const attempts = await until(() => {
          const found = spans.filter(({ name }) => name === 'messaging.deliver_event').slice(delivered);
          return found.length === 1 && found[0]?.ended && found;
        }, 'the event is sent to the endpoint');
        delivered += attempts.length;
        expect(attempts[0]?.options.links).to.deep.equal(span?.options.links);
        expect(attempts[0]?.attributes).to.include({
          'messaging.endpoint_id': endpoint.body.id,
          'messaging.outcome': 'succeeded',
        });
      }
    } finally {
      await service.stop();
      await receiver.stop();
      trace.disable();
    }
  });
});
