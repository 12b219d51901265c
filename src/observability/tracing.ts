import {
  type Attributes,
  isSpanContextValid,
  type Link,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

/** Version 00; a later version may have further fields (https://www.w3.org/TR/trace-context/#traceparent-header). */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/;

/** Without an OpenTelemetry SDK, which the operator may load, the API does nothing. */
const tracer = trace.getTracer('messaging-service');

/**
 * The trace context of a request: of the server span if an SDK instruments the HTTP server, otherwise of the header
 * `traceparent`. Null without a valid one.
 */
export function traceparentOf(header: unknown): string | null {
  const active = trace.getActiveSpan()?.spanContext();
  if (active && isSpanContextValid(active)) {
    const flags = active.traceFlags.toString(16).padStart(2, '0');
    return `00-${active.traceId}-${active.spanId}-${flags}`;
  }
  const context = contextOf(header);
  return context && `00-${context.traceId}-${context.spanId}-${context.flags}`;
}

function contextOf(header: unknown): { traceId: string; spanId: string; flags: string } | null {
  if (typeof header !== 'string') return null;
  const [, version, traceId = '', spanId = '', flags = '', more] = TRACEPARENT.exec(header) ?? [];
  if (version === undefined || (version === '00' && more !== undefined)) return null;
  return isSpanContextValid({ traceId, spanId, traceFlags: 0 }) ? { traceId, spanId, flags } : null;
}

export interface TracedCall {
  messageId: number;
  number: number;
  provider: string;
  /** The trace context of the request that sent the message. */
  traceparent: string | null;
}

/**
 * Makes a provider call in a span of its own trace, with a link to the request that sent the message: the call can follow the
 * request by days, and several calls can follow one request.
 */
export function traceCall<T extends { outcome: string; code?: string }>(
  { messageId, number, provider, traceparent }: TracedCall,
  call: () => Promise<T>,
): Promise<T> {
  const attributes = {
    'messaging.provider': provider,
    'messaging.message_id': messageId,
    'messaging.attempt': number,
  };
  return inSpan('messaging.send', attributes, traceparent, call, ({ outcome, code }) =>
    outcome === 'accepted' ? null : (code ?? outcome),
  );
}

export interface TracedTry {
  endpointId: number;
  eventId: number;
  number: number;
  /** The trace context of the request that sent the message of the event. */
  traceparent: string | null;
}

/** Sends an event to an endpoint in a span of its own trace, with the same link. */
export function traceAttempt<T extends { outcome: string; error: { code: string } | null }>(
  { endpointId, eventId, number, traceparent }: TracedTry,
  send: () => Promise<T>,
): Promise<T> {
  const attributes = {
    'messaging.endpoint_id': endpointId,
    'messaging.event_id': eventId,
    'messaging.attempt': number,
  };
  return inSpan('messaging.deliver_event', attributes, traceparent, send, ({ error }) => error?.code ?? null);
}

/** @param errorOf the reason of the result's failure; null for a success. */
function inSpan<T extends { outcome: string }>(
  name: string,
  attributes: Attributes,
  traceparent: string | null,
  call: () => Promise<T>,
  errorOf: (result: T) => string | null,
): Promise<T> {
  const options = { root: true, kind: SpanKind.CLIENT, links: linksTo(traceparent), attributes };
  return tracer.startActiveSpan(name, options, async (span) => {
    try {
      const result = await call();
      span.setAttribute('messaging.outcome', result.outcome);
      const message = errorOf(result);
      if (message !== null) span.setStatus({ code: SpanStatusCode.ERROR, message });
      return result;
    } finally {
      span.end();
    }
  });
}

function linksTo(traceparent: string | null): Link[] {
  const context = contextOf(traceparent);
  if (!context) return [];
  const { traceId, spanId, flags } = context;
  return [{ context: { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true } }];
}
