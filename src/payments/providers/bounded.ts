import { limits } from '../../base/limits.ts';

/** The other side closed a connection that it had kept open for us: nothing says that it has read the request, nothing that it has not. */
const closed: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/**
 * `fetch` for calls to a provider: the whole answer within `init.signal` and within a number of bytes, and no redirect, which would carry
 * our key elsewhere. A connection that closed is tried once more in the same time; so what is sent must carry an idempotency key.
 */
export async function fetchBounded(url: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  try {
    return await fetchWhole(url, init);
  } catch (error) {
    if (init.signal?.aborted || !closed.has(codeOf(error))) throw error;
    return await fetchWhole(url, init);
  }
}

async function fetchWhole(url: string | URL | Request, init: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...init, redirect: 'error' });
  const body = await readBounded(response, limits.paymentAnswerBytesMax);
  const { status, headers } = response;
  return new Response(body.length === 0 ? null : new Uint8Array(body), { status, headers });
}

/** The body, or an error once it is longer: the other side does not decide how much memory it takes. */
export async function readBounded(response: Response, bytesMax: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > bytesMax) throw new Error('the answer is longer than an answer may be');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function codeOf(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? cause.code : undefined;
}
