import { type Answer, json } from '../wire/server.ts';

type Details = { readonly code?: string; readonly param?: string };

/** An error in Stripe's shape. */
export class WireError extends Error {
  readonly status: number;
  readonly type: string;
  readonly details: Details;

  constructor(status: number, message: string, details: Details & { readonly type?: string } = {}) {
    super(message);
    const { type, ...rest } = details;
    this.status = status;
    this.type = type ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
    this.details = rest;
  }

  get answer(): Answer {
    return json(this.status, { error: { ...this.details, message: this.message, type: this.type } });
  }
}

export function invalid(param: string, message: string, code?: string): WireError {
  return new WireError(400, message, code === undefined ? { param } : { param, code });
}

export function missing(param: string): WireError {
  return invalid(param, `Missing required param: ${param}.`, 'parameter_missing');
}

export function noSuch(what: string, id: string, param: string): WireError {
  return new WireError(404, `No such ${what}: '${id}'`, { code: 'resource_missing', param });
}
