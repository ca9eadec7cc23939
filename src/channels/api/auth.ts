import { isIP } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { limits } from '../../base/limits.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Client, Scope } from '../../parties/index.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls, once `allow` has run. */
    client: Client | undefined;
  }
}

/** The key id of the site's own credential. */
export const SITE = 'site';

export type Authenticate = (token: string) => Client | Promise<Client>;

/**
 * A hook that lets through a bearer of `scope`. Written with a callback, because a cached answer then costs no promise on the path
 * that credits money.
 */
export function allow(
  authenticate: Authenticate,
  scope: Scope | 'orders:write',
  onFailure: (request: FastifyRequest) => Promise<void>,
) {
  return (request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void => {
    const token = bearerOf(request.headers.authorization);
    if (token === undefined) {
      onFailure(request).then(() => done(new Refusal('auth.missing')), done);
      return;
    }
    const admit = (client: Client): void => {
      request.client = client;
      done(client.scopes.has(scope) ? undefined : new Refusal('auth.scope', { scope }));
    };
    const found = authenticate(token);
    if (!(found instanceof Promise)) admit(found);
    else {
      found.then(admit, (error: Error) => {
        if (error instanceof Refusal && error.code === 'auth.invalid') onFailure(request).then(() => done(error), done);
        else done(error);
      });
    }
  };
}

const BEARER = 'Bearer ';

function bearerOf(header: string | undefined): string | undefined {
  if (header === undefined || header.length > 512) return undefined;
  return header.startsWith(BEARER) || header.slice(0, BEARER.length).toLowerCase() === 'bearer '
    ? header.slice(BEARER.length).trim()
    : undefined;
}

export function clientOf(request: FastifyRequest): Client {
  if (!request.client) throw new Refusal('auth.missing');
  return request.client;
}

const KEY = /^[\x21-\x7e]+$/;

/** The caller's own name for this command. It never expires: the same key is the same command for ever. */
export function idempotencyKeyOf(request: FastifyRequest): string {
  const header = request.headers['idempotency-key'];
  if (header === undefined || header === '') throw new Refusal('key.missing');
  return checkKey(String(header));
}

export function checkKey(key: string): string {
  if (key.length > limits.idempotencyKeyLengthMax || !KEY.test(key))
    throw new Refusal('key.invalid', { max: limits.idempotencyKeyLengthMax });
  return key;
}

export type AddressOf = (request: FastifyRequest) => string;

/**
 * A client address for limits. The site calls for its visitors and says whose address each call is for; that is believed of the site's own credential
 * alone.
 */
export function createAddressOf(isSite: (token: string) => boolean): AddressOf {
  return (request) => {
    const forwarded = request.headers['x-forwarded-for'];
    const token = forwarded === undefined ? undefined : bearerOf(request.headers.authorization);
    if (token === undefined || !isSite(token)) return customerOf(request.ip);
    const [visitor = ''] = String(forwarded).split(',');
    return isIP(visitor.trim()) > 0 ? customerOf(visitor.trim()) : customerOf(request.ip);
  };
}

/** An IPv6 customer owns a whole /64. */
function customerOf(ip: string): string {
  if (!ip.includes(':') || ip.startsWith('::ffff:')) return ip;
  const [head = '', tail = ''] = ip.split('::');
  const left = head.split(':').filter(Boolean);
  const right = tail.split(':').filter(Boolean);
  const gap = ip.includes('::') ? new Array(Math.max(0, 8 - left.length - right.length)).fill('0') : [];
  return `${[...left, ...gap, ...right].slice(0, 4).join(':')}::/64`;
}
