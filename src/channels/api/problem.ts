import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal, type RefusalCode, type RefusalDetails, refusals } from '../../base/refusal.ts';
import { languageOf, refusalText } from '../../i18n/index.ts';

/** RFC 9457. `code` is the stable word to program against, `detail` is for people, in the language they accept. */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: RefusalCode;
  readonly detail: string;
  readonly requestId: string;
  readonly details?: RefusalDetails;
};

export const problemType = 'application/problem+json';

/** What Fastify itself refuses, in our words. Anything not listed is ours to repair: `system.error`. */
const frameworkCodes = new Map<string, RefusalCode>([
  ['FST_ERR_VALIDATION', 'request.invalid'],
  ['FST_ERR_CTP_INVALID_JSON_BODY', 'request.invalid'],
  ['FST_ERR_CTP_EMPTY_JSON_BODY', 'request.invalid'],
  ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', 'request.invalid'],
  ['FST_ERR_CTP_BODY_TOO_LARGE', 'request.too_large'],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', 'request.unsupported_type'],
  ['FST_ERR_BAD_URL', 'request.invalid'],
  ['FST_ERR_MAX_PARAM_LENGTH', 'request.not_found'],
]);

/** The refusal that stands for any error, and whether it is a defect that must be logged whole. */
export function refusalOf(error: FastifyError | Error): { refusal: Refusal; defect: boolean } {
  if (error instanceof Refusal) return { refusal: error, defect: false };
  const code = 'code' in error ? String(error.code) : '';
  if (missingOf(error) === 'idempotency-key') return { refusal: new Refusal('key.missing'), defect: false };
  const known = frameworkCodes.get(code);
  if (known) return { refusal: new Refusal(known, fieldOf(error)), defect: false };
  if (error instanceof SyntaxError && 'statusCode' in error)
    return { refusal: new Refusal('request.invalid'), defect: false };
  return { refusal: new Refusal('system.error'), defect: true };
}

/** The field that should have been there, where that is what failed. */
function missingOf(error: Error): string | undefined {
  const validation: unknown = Reflect.get(error, 'validation');
  return Array.isArray(validation) ? validation[0]?.params?.missingProperty : undefined;
}

/** The first field that failed validation and why, without the value. */
function fieldOf(error: Error): RefusalDetails {
  const validation: unknown = Reflect.get(error, 'validation');
  if (!Array.isArray(validation)) return {};
  const [first] = validation;
  const missing = first?.params?.missingProperty ?? first?.params?.additionalProperty;
  const field = [
    String(first?.instancePath ?? '')
      .slice(1)
      .replaceAll('/', '.'),
    missing,
  ]
    .filter(Boolean)
    .join('.');
  return { field: field || 'body', problem: String(first?.message ?? 'is not valid') };
}

export function problemOf(refusal: Refusal, request: Pick<FastifyRequest, 'id' | 'headers'>): Problem {
  const { code, details } = refusal;
  return {
    type: `urn:sapar:problem:${code}`,
    title: code.replaceAll('.', ' ').replaceAll('_', ' '),
    status: refusals[code],
    code,
    detail: refusalText(code, languageOf(request.headers['accept-language']), details),
    requestId: request.id,
    ...(Object.keys(details).length > 0 ? { details } : {}),
  };
}

export function sendProblem(reply: FastifyReply, refusal: Refusal): FastifyReply {
  const retryAfter = retryAfterOf(refusal);
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  if (refusal.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply.code(refusal.status).type(problemType).send(problemOf(refusal, reply.request));
}

const RETRY_SOON_SECONDS = 1;

function retryAfterOf(refusal: Refusal): number | undefined {
  if (refusal.status === 503) return RETRY_SOON_SECONDS;
  const { until, retryAfterSeconds } = refusal.details;
  if (typeof retryAfterSeconds === 'number') return retryAfterSeconds;
  if (typeof until !== 'string') return undefined;
  return Math.max(1, Math.ceil((Date.parse(until) - Date.parse(new Date().toISOString())) / 1000));
}
