/**
 * Paper: receipts and refund documents, and the sheets of scratch cards a printer cuts. Pure data in, a file out: it reads no
 * database and no clock, and the same data give the same bytes. A document says what `receiptText` says, wherever it is shown.
 */
export { type CardFacts, writeCards } from './card.ts';
export { createDocuments, type Documents, type DocumentsOptions } from './documents.ts';
export { type DocumentName, documentsOf, type Issuing, receiptOf } from './of_order.ts';
export {
  type PaymentReceipt,
  type ReceiptData,
  type ReceiptRate,
  type ReceiptRow,
  type ReceiptSection,
  type ReceiptText,
  type RefundReason,
  type RefundReceipt,
  receiptText,
  refundReference,
  type Seller,
} from './receipt.ts';
export type { SheetsOptions } from './sheets.ts';
