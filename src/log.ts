import type { FastifyRequest } from 'fastify';
import pino, { type DestinationStream, type Logger } from 'pino';

/** The texts and the numbers of a line of JSON. */
const VALUES = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const DIGITS = /\d{10,}/g;

/** What takes the place of a bare number is text, so that the line is still JSON. */
function withoutDigits(line: string): string {
  return line.replace(VALUES, (value) => {
    const cut = value.replace(DIGITS, '[digits]');
    return cut === value || value.startsWith('"') ? cut : '"[digits]"';
  });
}

/**
 * The log of a process: JSON lines on stderr, times in UTC. Secrets and numbers are cut out of whatever is logged: known fields by
 * name, the rest by the shape of long digit runs.
 */
export function createLog(level: string, to: DestinationStream = pino.destination(2)): Logger {
  return pino(
    {
      level,
      // As text: milliseconds since 1970 are a long digit run themselves.
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: [
        'pin',
        'token',
        'secret',
        'msisdn',
        '*.pin',
        '*.token',
        '*.secret',
        '*.msisdn',
        'req.headers.authorization',
      ],
      serializers: { req: (request: FastifyRequest) => ({ method: request.method, route: request.routeOptions?.url }) },
      hooks: { streamWrite: withoutDigits },
    },
    to,
  );
}
