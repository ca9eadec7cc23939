/** What the door answered: the status, the body, and the header that says when to come back. */
export type Reply = { readonly status: number; readonly body: Body; readonly retryAfter: number | undefined };

/** The union of what the routes used here answer; a field that is not there reads as undefined. */
export type Body = {
  readonly id?: string;
  readonly status?: string | number;
  readonly code?: string;
  readonly balance?: string;
  readonly credited?: number;
  readonly items?: readonly {
    readonly index: number;
    readonly status: number;
    readonly topup?: Body;
    readonly problem?: Body;
  }[];
};

export type TopupWish = { readonly key: string; readonly msisdn: string; readonly amount: string };
export type RedeemWish = { readonly msisdn: string; readonly pin: string };

export type Client = {
  topup(wish: TopupWish): Promise<Reply>;
  bulk(key: string, wishes: readonly TopupWish[]): Promise<Reply>;
  redeem(wish: RedeemWish): Promise<Reply>;
};

/** A partner's program: plain HTTP over real sockets, knowing nothing of the platform but its address. */
export function createClient(url: string, token: string): Client {
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> => {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    const retryAfter = response.headers.get('retry-after');
    return {
      status: response.status,
      body: (await response.json()) as Body,
      retryAfter: retryAfter === null ? undefined : Number(retryAfter),
    };
  };
  return {
    topup: ({ key, msisdn, amount }) =>
      post('/v1/topups', { msisdn, amount, currency: 'KZT' }, { 'idempotency-key': key }),
    bulk: (key, wishes) =>
      post(
        '/v1/topups/bulk',
        { items: wishes.map((wish) => ({ ...wish, currency: 'KZT' })) },
        { 'idempotency-key': key },
      ),
    redeem: (wish) => post('/v1/vouchers/redemptions', wish),
  };
}

/** How often each answer came, `201` or `422 key.reused`. */
export function tally(replies: readonly Reply[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, body } of replies) {
    const name = body.code === undefined ? `${status}` : `${status} ${body.code}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
