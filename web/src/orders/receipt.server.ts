import { m } from '../../../messages/compiled/messages.js';
import type { Language } from '../language.ts';
import type { ReceiptDocument, ReceiptText } from './api.server.ts';

/** A line in the payer's words, and in those of whoever checks a receipt in Kazakhstan, where they are others. */
export type Line = {
  readonly label: string;
  readonly officialLabel: string | undefined;
  readonly value: string;
  readonly officialValue: string | undefined;
  readonly kind: string;
};

export type Section = {
  readonly title: string | undefined;
  readonly officialTitle: string | undefined;
  readonly lines: readonly Line[];
};

/** The documents of an order as their PDF has them, word for word: the receipt, and each refund as a document of its own. */
export function showReceipts(documents: readonly ReceiptDocument[], language: Language) {
  const locale = { locale: language };
  return {
    print: m.order_receipt_print({}, locale),
    back: m.order_receipt_back({}, locale),
    documents: documents.map(({ document, reference, text, official }) => ({
      document,
      title: text.title,
      officialTitle: other(text.title, official?.title),
      warning: text.warning,
      sections: sectionsOf(text, official),
      note: text.notes.join(language === 'zh' ? '' : ' '),
      pdf: m.order_receipt_pdf({ title: text.title, reference }, locale),
    })),
  };
}

export type ReceiptView = ReturnType<typeof showReceipts>['documents'][number];

/** Rows in their own order, under the headings they belong to. */
function sectionsOf(text: ReceiptText, official: ReceiptText | null): Section[] {
  const names = [...new Set(text.rows.map((row) => row.section))];
  return names.map((name) => ({
    title: text.sections[name],
    officialTitle: other(text.sections[name], official?.sections[name]),
    lines: text.rows.flatMap((row, no) => {
      if (row.section !== name) return [];
      const { label, value, kind } = row;
      const twin = official?.rows[no];
      // Amounts and codes are read without a language.
      const officialValue = kind === 'words' ? other(value, twin?.value) : undefined;
      return [{ label, officialLabel: other(label, twin?.label), value, officialValue, kind }];
    }),
  }));
}

function other(text: string | undefined, official: string | undefined): string | undefined {
  return official === text ? undefined : official;
}
