import { stringify } from 'node:querystring';
import type { Caller } from './driver.ts';
import { type OrderShape, orderCallers } from './order_shapes.ts';

/** What callers of the open- or closed-loop driver do. Plain data: it travels to the driver's own process. */
export type Shape = TopupShape | UssdShape | OrderShape;

export type TopupShape = {
  readonly kind: 'topup';
  readonly tokens: readonly string[];
  /** Makes the keys of this run unlike those of any other. */
  readonly salt: string;
  readonly firstNumber: number;
  readonly numbers: number;
};

export type UssdShape = {
  readonly kind: 'ussd';
  /** The gateway's address, secret included. */
  readonly path: string;
  readonly serviceCode: string;
  readonly salt: string;
  /** One card a dialogue. */
  readonly pins: readonly string[];
  readonly firstNumber: number;
};

export const topupAmount = '100.00';

export function callers(shape: Shape): (nth: number) => Caller {
  switch (shape.kind) {
    case 'topup':
      return (nth) => topup(shape, nth);
    case 'ussd':
      return (nth) => dialogue(shape, nth);
    case 'quote':
    case 'place':
    case 'news':
    case 'page':
      return orderCallers(shape);
  }
}

/** A stride without a common divisor with the count visits every number once before any comes again. */
const STRIDE = 61_803;

function topup(shape: TopupShape, nth: number): Caller {
  const msisdn = shape.firstNumber + ((nth * STRIDE) % shape.numbers);
  const body = `{"msisdn":"${msisdn}","amount":"${topupAmount}","currency":"KZT"}`;
  const token = shape.tokens[nth % shape.tokens.length];
  return {
    opening:
      `POST /v1/topups HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n` +
      `Idempotency-Key: ${shape.salt}-${nth}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    reply: ({ status }) => (status === 201 ? 'done' : 'failed'),
  };
}

/** Dials, types the card's code, says yes. Each step must be answered by the screen that lets the next one come. */
function dialogue(shape: UssdShape, nth: number): Caller {
  const pin = shape.pins[nth];
  // No card left: said as a failure, never as a dialogue.
  if (pin === undefined) throw new Error('the run needs more cards than were set aside for it');
  const inputs = ['', pin, `${pin}*1`];
  const ask = (step: number): string => {
    const form = stringify({
      sessionId: `${shape.salt}-${nth}`,
      phoneNumber: `+${shape.firstNumber + nth}`,
      networkCode: '40102',
      serviceCode: shape.serviceCode,
      text: inputs[step],
    });
    return `POST ${shape.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${form.length}\r\n\r\n${form}`;
  };
  let step = 0;
  return {
    opening: ask(0),
    reply({ status, body }) {
      const last = step === inputs.length - 1;
      if (status !== 200 || !body.startsWith(last ? 'END' : 'CON')) return 'failed';
      if (last) return 'done';
      step += 1;
      return { ask: ask(step) };
    },
  };
}
