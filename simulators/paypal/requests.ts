import type { Answer, Call } from '../wire/server.ts';
import type { Made, Paypal } from './context.ts';
import { answerTo, invalid, PaypalError } from './errors.ts';

export type Attempt = {
  /** The name of the request, where it has one. */
  readonly requestId: string | undefined;
  /** Does the work once and says what it made. */
  make(): Made;
  /** What stands there now: a repeat hears of that, with status 200 in place of 201. */
  tell(made: Made, status: 200 | 201): Answer;
};

/**
 * Two requests of one name are one (PayPal-Request-Id). Refusals are remembered as well, which PayPal does not promise and does not exclude:
 * a client has to bear it.
 */
export function once({ requests }: Paypal, call: Call, { requestId, make, tell }: Attempt): Answer {
  if (requestId !== undefined && requestId.length > 108) throw invalid('INVALID_STRING_LENGTH', 'PayPal-Request-Id');
  const key = requestId === undefined ? undefined : `${call.method} ${call.path} ${requestId}`;
  const before = key === undefined ? undefined : requests.get(key);
  if (before !== undefined) return 'refused' in before ? before.refused : tell(before.made, 200);
  const remember = (what: { made: Made } | { refused: Answer }): void => {
    if (key !== undefined) requests.put(key, { key, ...what });
  };
  try {
    const made = make();
    remember({ made });
    return tell(made, 201);
  } catch (error) {
    if (!(error instanceof PaypalError) || error.status >= 500) throw error;
    const refused = answerTo(error);
    remember({ refused });
    return refused;
  }
}

export function requestIdOf({ headers }: Call): string | undefined {
  const value = headers['paypal-request-id'];
  return typeof value === 'string' ? value : undefined;
}
