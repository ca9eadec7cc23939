import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { redirect } from '@sveltejs/kit';
import type { Handle, HandleServerError } from '@sveltejs/kit/hooks';
import { isLanguage, type Language, languageOfPath, languageTags, preferredLanguage } from './language.ts';
import { limits } from './limits.ts';
import { paymentOrigins } from './settings.server.ts';

const LANGUAGE_COOKIE = 'language';
/** Marks a link of the language switch: only a choice made by hand is remembered, never a guess. */
const CHOSEN = 'chosen';

export const handle: Handle = async ({ event, resolve }) => {
  const { url, cookies, request } = event;
  const addressed = languageOfPath(url.pathname);
  if (addressed && request.method === 'GET' && url.searchParams.has(CHOSEN)) {
    rememberLanguage(cookies, { language: addressed, secure: url.protocol === 'https:' });
    redirect(303, withoutMark(url));
  }
  const remembered = cookies.get(LANGUAGE_COOKIE);
  const guessed = isLanguage(remembered) ? remembered : preferredLanguage(request.headers.get('accept-language'));
  event.locals.language = addressed ?? guessed;

  const tag = languageTags[event.locals.language];
  const response = await resolve(event, {
    transformPageChunk: ({ html }) => html.replace('<html lang="en">', `<html lang="${tag}">`),
  });
  for (const [name, value] of Object.entries(safetyHeaders)) response.headers.set(name, value);
  if (event.route.id?.endsWith(PAYING)) allowPayment(response.headers);
  // Every page is made for its visitor, with a nonce of its own: no cache in between may keep it, and its etag never matches.
  if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'private, no-cache');
  response.headers.delete('etag');
  if (url.protocol === 'https:') response.headers.set('strict-transport-security', 'max-age=31536000');
  return compressed(response, request.headers.get('accept-encoding') ?? '');
};

/** One line for whoever runs the site. Digits are struck out, because an error may quote a number or a PIN. */
export const handleError: HandleServerError = ({ kind, error, event }) => {
  if (kind !== 'unknown') return;
  const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
  console.error(
    `site: ${event.request.method} ${event.route.id ?? 'no route'}: ${said.replace(/\d{6,}/g, '[digits]')}`,
  );
};

const safetyHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Not no-referrer: with it browsers send `Origin: null` along with a form, and the origin check must refuse that.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=()',
};

/** The page whose form ends at a payment service: browsers hold a redirect after a form to the same rule as the form. */
const PAYING = '/review';

function allowPayment(headers: Headers): void {
  const policy = headers.get('content-security-policy');
  const targets = ["form-action 'self'", ...paymentOrigins()].join(' ');
  if (policy !== null) headers.set('content-security-policy', policy.replace("form-action 'self'", targets));
}

type Cookies = Parameters<Handle>[0]['event']['cookies'];

function rememberLanguage(cookies: Cookies, { language, secure }: { language: Language; secure: boolean }): void {
  cookies.set(LANGUAGE_COOKIE, language, {
    path: '/',
    maxAge: limits.languageCookieSeconds,
    httpOnly: true,
    sameSite: 'lax',
    secure,
  });
}

function withoutMark(url: URL): string {
  const clean = new URL(url);
  clean.searchParams.delete(CHOSEN);
  return `${clean.pathname}${clean.search}`;
}

const zip = promisify(gzip);

/** Pages are made per request, so nothing before us has compressed them. They hold no secret of ours that a guess could grow. */
async function compressed(response: Response, accepted: string): Promise<Response> {
  const type = response.headers.get('content-type') ?? '';
  const text = type.startsWith('text/html') || type.startsWith('application/json');
  if (!text || response.headers.has('content-encoding') || !/\bgzip\b/.test(accepted)) return response;
  const body = Buffer.from(await response.arrayBuffer());
  const headers = new Headers(response.headers);
  headers.append('vary', 'accept-encoding');
  if (body.length < limits.compressBytesMin) return new Response(body, { status: response.status, headers });
  headers.set('content-encoding', 'gzip');
  headers.delete('content-length');
  return new Response(new Uint8Array(await zip(body)), { status: response.status, headers });
}
