/** A block of server-sent events. */
export interface Frame {
  /** The last id so far. */
  id?: string;
  event?: string;
  data?: string;
}

/**
 * Creates a parser of server-sent events, whose chunks may end anywhere
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
 *
 * @returns a function that returns the frames that end with a chunk, also those without data.
 */
export function createFrameParser(): (chunk: Uint8Array) => Frame[] {
  const decoder = new TextDecoder();
  let rest = '';
  let fields: Record<string, string> = {};
  return (chunk) => {
    const frames: Frame[] = [];
    // The next chunk may continue a CR at the end with an LF.
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() as string;
    for (const line of lines) {
      const [, name, value] = /^([^:]*):? ?(.*)/s.exec(line) as unknown as [string, string, string];
      if (line === '') {
        frames.push(fields);
        fields = 'id' in fields ? { id: fields.id as string } : {};
      } else if (name === 'data' && 'data' in fields) fields.data += `\n${value}`;
      else fields[name] = value;
    }
    return frames;
  };
}
