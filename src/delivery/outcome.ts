import type { DeliveryRefusal, DeliveryRequest, Outcome } from './route.ts';

const DETAIL_LENGTH_MAX = 64;

export function unknown(detail: string): Outcome {
  return { kind: 'unknown', detail: detailOf(detail) };
}

/** The other side has it and has not finished. */
export function underWay(detail: string): Outcome {
  return { kind: 'unknown', detail: detailOf(detail), isUnderWay: true };
}

export function refused(reason: DeliveryRefusal, detail: string): Outcome {
  return { kind: 'refused', reason, detail: detailOf(detail) };
}

/** Nothing left this time. Of a reference that may have left before, that says nothing. */
export function notSent(request: DeliveryRequest, detail: string): Outcome {
  return request.isFirst ? refused('operator.unavailable', detail) : unknown(detail);
}

/** The other side's words, cut to what a code looks like: whatever they may hold, no number and no markup passes. */
function detailOf(text: string): string {
  return text
    .replace(/[^\w .:-]/g, '')
    .replace(/\d{8,}/g, '…')
    .slice(0, DETAIL_LENGTH_MAX);
}
