import type { PaymentReceipt, RefundReceipt } from '../../src/documents/index.ts';
import type { Language } from '../../src/i18n/index.ts';

// A receipt and a refund document as orders make them: 1 000 tenge for 14.41 yuan, of which 10 come back.

const PAID_AT = new Date('2026-11-24T09:04:11Z');

function common(language: Language) {
  return {
    issuedAt: new Date('2026-11-24T09:05:11Z'),
    language,
    seller: {
      name: 'ТОО «Сапар Пэй» · Sapar Pay LLP',
      contact: [
        'БИН 123456789012',
        'Алматы, проспект Абая, 1 · Абай даңғылы, 1',
        '+7 727 000 00 00 · help@sapar.example',
      ],
    },
    operator: { en: 'Beeline', ru: 'Билайн', kk: 'Beeline', zh: 'Beeline' },
    maskedNumber: '+7 701 ••• 45 67',
    payment: {
      provider: 'stripe',
      reference: 'pi_3QabcDEFghiJKL0mnopQRST',
      paidAt: PAID_AT,
      paid: { currency: 'CNY', amountMinor: 1441n },
      statementName: 'SAPAR TOPUP',
    },
  } as const;
}

export function paymentReceipt(language: Language, other: Partial<PaymentReceipt> = {}): PaymentReceipt {
  return {
    ...common(language),
    kind: 'payment',
    reference: '7KQ4-M2XD-9RTB',
    faceMinor: 1_000_00n,
    feeMinor: 19_00n,
    marginMinor: 18_71n,
    rates: [{ currency: 'CNY', rate: '72.01345', day: '2026-11-24', source: 'nationalbank.kz' }],
    delivery: { state: 'delivered', at: new Date('2026-11-24T09:05:09Z'), operatorReference: 'OSMP-88120034' },
    ...other,
  };
}

export function refundReceipt(language: Language, other: Partial<RefundReceipt> = {}): RefundReceipt {
  return {
    ...common(language),
    kind: 'refund',
    reference: '7KQ4-M2XD-9RTB-R2',
    receiptReference: '7KQ4-M2XD-9RTB',
    amount: { currency: 'CNY', amountMinor: 1000n },
    refundedBeforeMinor: 200n,
    reason: 'refused',
    state: { name: 'under_way' },
    promisedBy: '2026-12-04',
    ...other,
  };
}
