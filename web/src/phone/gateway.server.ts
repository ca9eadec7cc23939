import { limits } from '../limits.ts';

/** One step of a dialogue, as an aggregator sends it. `text` is everything typed so far, joined by `*`; empty at first. */
export type Step = {
  /** Secret: whoever knows it can speak for any phone. */
  readonly gateway: string;
  readonly session: string;
  readonly serviceCode: string;
  readonly msisdn: string;
  readonly text: string;
};

/** What went over the wire, safe to show: the address is masked. */
export type Exchange = {
  readonly address: string;
  readonly form: string;
  readonly reply:
    | { readonly kind: 'answered'; readonly status: number; readonly body: string; readonly tookMs: number }
    | { readonly kind: 'silent' };
};

/** The network code of Africa's Talking's own test network: the phone here is attached to no real one. */
const TEST_NETWORK = '99999';

/**
 * Sends one step over HTTP in the form protocol of Africa's Talking, as the aggregator's servers do. Never throws: no answer in
 * time is `silent`, and then nobody knows whether the step was carried out until it is sent again.
 */
export async function sendStep(step: Step): Promise<Exchange> {
  const form = new URLSearchParams({
    sessionId: step.session,
    serviceCode: step.serviceCode,
    phoneNumber: `+${step.msisdn}`,
    networkCode: TEST_NETWORK,
    text: step.text,
  });
  const shown = { address: maskAddress(step.gateway), form: form.toString() };
  const start = performance.now();
  try {
    const signal = AbortSignal.timeout(limits.gatewayTimeoutMs);
    const response = await fetch(step.gateway, { method: 'POST', body: form, signal, redirect: 'error' });
    const body = (await response.text()).slice(0, limits.gatewayReplyLengthMax);
    const tookMs = Math.round(performance.now() - start);
    return { ...shown, reply: { kind: 'answered', status: response.status, body, tookMs } };
  } catch {
    return { ...shown, reply: { kind: 'silent' } };
  }
}

/** Keeps what identifies the door and hides what opens it: the last segment, any long one, and every parameter. */
export function maskAddress(address: string): string {
  const { protocol, host, pathname, search } = new URL(address);
  const segments = pathname.split('/');
  const masked = segments.map((segment, at) =>
    at > 0 && (at === segments.length - 1 || segment.length >= 16) ? '••••••••' : segment,
  );
  return `${protocol}//${host}${masked.join('/')}${search === '' ? '' : '?••••••••'}`;
}
