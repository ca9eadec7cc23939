/** DT One's own client, which brings no types: as much of it as is called here. */
declare module '@dtone/dvs' {
  type Response<T> = { readonly data: T; readonly metaData: { readonly total: number; readonly totalPages: number } };
  type Body = Readonly<Record<string, unknown>>;
  export type Transaction = {
    readonly id: number;
    readonly externalId: string;
    readonly status: { readonly message: string; readonly class: { readonly id: number } };
    readonly operatorReference: string | null;
    readonly pin: { readonly code: string } | null;
    readonly creditPartyIdentifier: { readonly mobileNumber: string };
  };
  type Sending = {
    create(options: { data: Body }): Promise<Response<Transaction>>;
    confirm(options: { transactionId: number }): Promise<Response<Transaction>>;
  };
  type Listing = { get(options: { params?: Body }): AsyncIterable<Response<Body[]>> };

  export class DVSAPIError extends Error {
    readonly status: number;
    readonly data: { readonly errors: readonly { readonly code: number }[] };
  }
  export class DVS {
    constructor(options: { apiKey: string; apiSecret: string; baseUrl: string });
    readonly account: { readonly balances: Listing };
    readonly discovery: Readonly<Record<'products' | 'operators' | 'countries' | 'services', Listing>> & {
      readonly products: { getByProductId(options: { productId: number }): Promise<Response<Body>> };
    };
    readonly lookup: {
      readonly mobileNumber: {
        getByMobileNumber(options: { mobileNumber: string; params?: Body }): AsyncIterable<Response<Body[]>>;
      };
    };
    readonly transactions: {
      readonly async: Sending;
      readonly sync: Sending;
      get(options: { params?: Body }): AsyncIterable<Response<Transaction[]>>;
      getByTransactionId(options: { transactionId: number }): Promise<Response<Transaction>>;
      cancel(options: { transactionId: number }): Promise<Response<Transaction>>;
    };
  }
}
