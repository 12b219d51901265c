/** A server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html), as this service writes it. */
export interface Frame {
  /** Undefined for a position without an event. */
  event?: string;
  id: number;
  data?: string;
}

/** Reads the frames of a response. A frame that was cut off is dropped, as clients must. */
export async function* readFrames({ body }: Response): AsyncGenerator<Frame> {
  let text = '';
  for await (const chunk of (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const parts = text.split('\n\n');
    text = parts.pop() as string;
    yield* parts.map(toFrame);
  }
}

function toFrame(part: string): Frame {
  const lines = part.split('\n').filter((line) => !line.startsWith(':'));
  const fields = Object.fromEntries(lines.map((line) => line.split(/: (.*)/s, 2)));
  return { ...fields, id: Number(fields.id) };
}
