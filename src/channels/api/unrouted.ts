import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal, type RefusalCode } from '../../base/refusal.ts';
import { problemOf, problemType, refusalOf, sendProblem } from './problem.ts';

// What never reaches a route is answered like everything else: a problem document with a stable code, which repeats nothing of what was sent.

/** Addresses the router cannot read. */
export function answerUnreadable(error: Error, _request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(reply, refusalOf(error).refusal);
}

/** Bytes that are no request, or not all of one in time. Answered by hand, because there is no request to answer to. */
export function answerUnparsed(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(new Refusal(unparsedCode(error.code)), { id: 'unread', headers: {} });
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: ${problemType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

function unparsedCode(code: string | undefined): RefusalCode {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'request.timeout';
    case 'HPE_HEADER_OVERFLOW':
      return 'request.too_large';
    default:
      return 'request.invalid';
  }
}

/** Where nothing is served, or not by this method: said before the body is read. `isOurs` leaves the rest to the site. Call before any route is added. */
export function refuseUnknown(app: FastifyInstance, isOurs: (url: string) => boolean): void {
  const served: { matches: RegExp; method: string }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    const matches = new RegExp(`^${url.replace(/[.]/g, '\\.').replace(/:[^/]+/g, '[^/]+')}$`);
    for (const one of [method].flat()) served.push({ matches, method: one });
  });
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404 || !isOurs(request.url)) {
      done();
      return;
    }
    const [path = ''] = request.url.split('?', 1);
    const methods = served.filter(({ matches }) => matches.test(path)).map(({ method }) => method);
    if (methods.length > 0) reply.header('allow', [...new Set(methods)].join(', '));
    done(new Refusal(methods.length > 0 ? 'request.method_not_allowed' : 'request.not_found'));
  });
}
