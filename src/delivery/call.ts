import { limits } from '../base/limits.ts';

/** `unsent`: there was no connection, so the other side cannot have heard anything. `lost`: it may have, and may have acted on it. */
export type Answer =
  | { readonly kind: 'answered'; readonly status: number; readonly contentType: string; readonly body: Buffer }
  | { readonly kind: 'lost'; readonly detail: string }
  | { readonly kind: 'unsent'; readonly detail: string };

export type Call = {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The time all calls of one delivery or enquiry share. */
  readonly deadline: AbortSignal;
};

/** Errors of looking up and connecting: no byte of the request has left. */
const BEFORE_SENDING = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);

/** One request, once. Never throws for what the network or the other side does. */
export async function call(url: URL, { deadline, ...init }: Call): Promise<Answer> {
  if (deadline.aborted) return { kind: 'unsent', detail: 'out of time' };
  try {
    // A redirect would carry a money call, and its credentials, to an address nobody has configured.
    const response = await fetch(url, { ...init, redirect: 'error', cache: 'no-store', signal: deadline });
    const body = await readBounded(response);
    if (!body) return { kind: 'lost', detail: 'answer too large' };
    return { kind: 'answered', status: response.status, contentType: response.headers.get('content-type') ?? '', body };
  } catch (error) {
    const code = codeOf(error);
    return { kind: BEFORE_SENDING.has(code) ? 'unsent' : 'lost', detail: code };
  }
}

/** The body, or undefined where it is longer than any answer is. Counted as it arrives, after decompression. */
async function readBounded(response: Response): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    // Leaving the loop cancels the stream, and with it the connection.
    if (length > limits.deliveryAnswerBytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The cause's code, `ECONNRESET`, or the error's name, `TimeoutError`: never its message, which may hold the address. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'Error';
  const { cause } = error;
  if (typeof cause === 'object' && cause !== null && 'code' in cause && typeof cause.code === 'string') {
    return cause.code;
  }
  return error.name;
}

export function basicAuth(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** JSON, or undefined where it is not. */
export function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
