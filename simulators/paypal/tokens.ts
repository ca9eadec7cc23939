import { randomBytes } from 'node:crypto';
import type { Shelf } from '../wire/journal.ts';
import { type Answer, type Call, json, sameText } from '../wire/server.ts';
import { PaypalError } from './errors.ts';

export type Client = { readonly clientId: string; readonly clientSecret: string };
type Token = { readonly token: string; readonly expiresAt: number };

export type Tokens = {
  /** POST /v1/oauth2/token. */
  grant(call: Call): Answer;
  /** Throws where the call carries no token that counts. */
  check(call: Call): void;
  /** All tokens end now, as they may at any time. */
  revoke(): void;
};

const LIFE_SECONDS = 32_400;

export function createTokens(client: Client, shelf: Shelf<Token>): Tokens {
  return {
    grant({ headers, body }) {
      const wanted = `Basic ${Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')}`;
      if (!sameText(headers.authorization ?? '', wanted))
        return json(401, { error: 'invalid_client', error_description: 'Client Authentication failed' });
      if (new URLSearchParams(body.toString('utf8')).get('grant_type') !== 'client_credentials')
        return json(400, { error: 'unsupported_grant_type', error_description: 'Grant Type is NULL' });
      const token = `A21AA${randomBytes(36).toString('base64url')}`;
      shelf.put(token, { token, expiresAt: Date.now() + LIFE_SECONDS * 1_000 });
      return json(200, {
        scope: 'https://uri.paypal.com/services/payments/payment',
        access_token: token,
        token_type: 'Bearer',
        app_id: 'APP-SIMULATED',
        expires_in: LIFE_SECONDS,
        nonce: new Date().toISOString(),
      });
    },
    check({ headers }) {
      const token = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1];
      const known = token === undefined ? undefined : shelf.get(token);
      if (known === undefined || known.expiresAt < Date.now()) throw new PaypalError(401, 'AUTHENTICATION_FAILURE');
    },
    revoke() {
      for (const { token } of shelf.values()) shelf.remove(token);
    },
  };
}
