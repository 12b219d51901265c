/** A number in E.164 without its `+`, as the Messages API has it; a shorter one is a short code. */
const WITHOUT_PLUS = /^[1-9]\d{6,14}$/;

/** An address as the Messages API expects it: a number without its `+`; a short code and a sender id do not change. */
export function toWire(address: string): string {
  return address.replace(/^\+(?=\d)/, '');
}

/** The address in a webhook: a number gets its `+` back, because its country would be lost without it. */
export function fromWire(address: unknown): unknown {
  return typeof address === 'string' && WITHOUT_PLUS.test(address) ? `+${address}` : address;
}
