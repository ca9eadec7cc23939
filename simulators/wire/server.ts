import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Faults } from './faults.ts';

/** A simulator holds its state in memory: nobody needs to send it more than this at once. */
const BODY_BYTES_MAX = 1024 * 1024;

/** A call as a handler reads it. Header names are lower case; `params` are the `:names` of its path. */
export type Call = {
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
};

export type Answer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

export type Handler = (call: Call) => Answer | Promise<Answer>;

/** `'POST /v1/refunds/:id'` to what answers it. The first that fits is taken. */
export type Routes = Readonly<Record<string, Handler>>;

export type ServerSettings = {
  readonly routes: Routes;
  /** 0 or nothing: any free port. */
  readonly port?: number | undefined;
  /** Nothing: loopback alone. */
  readonly host?: string | undefined;
  /** Faults asked for at the control address; they do not touch calls to `/_control`. */
  readonly faults?: Faults;
  /** What a path that fits no route is answered with. */
  readonly missing?: Handler;
  /** Turns what a handler throws into an answer in the protocol's own words. */
  readonly failed?: (error: unknown, call: Call) => Answer;
};

export type Server = { readonly url: string; readonly port: number; close(): Promise<void> };

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) };
}

/** After a form: the browser goes there by GET. */
export function seeOther(location: string): Answer {
  return { status: 303, headers: { location } };
}

class BodyTooLarge extends Error {}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > BODY_BYTES_MAX) throw new BodyTooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

type Matched = { readonly handler: Handler; readonly params: Record<string, string> };

function matcher(routes: Routes): (method: string, path: string) => Matched | undefined {
  const table = Object.entries(routes).map(([route, handler]) => {
    const [method = '', pattern = ''] = route.split(' ');
    return { method, segments: pattern.split('/'), handler };
  });
  return (method, path) => {
    const parts = path.split('/');
    for (const route of table) {
      if (route.method !== method || route.segments.length !== parts.length) continue;
      const params: Record<string, string> = {};
      const fits = route.segments.every((segment, index) => {
        const part = parts[index] ?? '';
        if (!segment.startsWith(':')) return segment === part;
        params[segment.slice(1)] = decode(part);
        return part !== '';
      });
      if (fits) return { handler: route.handler, params };
    }
    return undefined;
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function send(response: ServerResponse, answer: Answer): void {
  const body = answer.body ?? '';
  response.writeHead(answer.status, { 'content-length': Buffer.byteLength(body), ...answer.headers });
  response.end(body);
}

function garbled(answer: Answer, body: string | undefined): Answer {
  const whole = answer.body ?? '';
  return { ...answer, body: body ?? whole.slice(0, whole.length / 2) };
}

/** Listens and answers by the table of routes. A handler that throws is answered with 500, and the program goes on. */
export async function startServer(settings: ServerSettings): Promise<Server> {
  const match = matcher(settings.routes);
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://simulator');
    const method = request.method ?? 'GET';
    const matched = match(method, url.pathname);
    const base = { method, path: url.pathname, query: url.searchParams, headers: request.headers };
    const isControl = url.pathname.startsWith('/_control');
    const fault = isControl ? undefined : settings.faults?.next(`${method} ${url.pathname}`);
    if (fault?.kind === 'drop') return void request.socket.destroy();
    if (fault?.kind === 'status') return send(response, fault.answer);
    const call: Call = { ...base, params: matched?.params ?? {}, body: await readBody(request) };
    const answer = await answered(call, matched?.handler ?? settings.missing ?? notFound, settings.failed);
    // The work is done; whoever asked does not hear of it, or late.
    if (fault?.kind === 'lose') return void request.socket.destroy();
    if (fault?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, fault.ms));
    send(response, fault?.kind === 'garble' ? garbled(answer, fault.body) : answer);
  };
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (error instanceof BodyTooLarge) send(response, { status: 413, headers: { connection: 'close' } });
      else request.socket.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.port ?? 0, settings.host ?? '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const notFound: Handler = () => json(404, { error: 'not found' });

async function answered(call: Call, handler: Handler, failed: ServerSettings['failed']): Promise<Answer> {
  try {
    return await handler(call);
  } catch (error) {
    if (failed) return failed(error, call);
    if (error instanceof ControlError) return json(400, { error: error.message });
    process.stderr.write(`${call.method} ${call.path}: ${error instanceof Error ? error.stack : String(error)}\n`);
    return json(500, { error: 'the simulator failed' });
  }
}

/** A request to the control address that makes no sense: answered with 400 and this text. */
export class ControlError extends Error {}

/** The JSON object in a body. An empty body is an empty object. */
export function jsonOf(body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw new ControlError('the body is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ControlError('not a JSON object');
  return value as Record<string, unknown>;
}

/** One of the words that a control request may say there. */
export function wordOf<T extends string>(value: unknown, allowed: readonly T[], name: string): T {
  const found = allowed.find((word) => word === value);
  if (found === undefined) throw new ControlError(`${name} is one of ${allowed.join(', ')}`);
  return found;
}

/** Secrets are compared in constant time here too, so that nobody copies the other way from here. */
export function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
