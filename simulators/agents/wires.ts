import { XMLParser } from 'fast-xml-parser';
import type { Told, Wire } from './network.ts';

const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '@', parseTagValue: false });

/** OSMP, later QIWI: XML. */
export const osmpWire: Wire = {
  methods: ['GET', 'POST'],
  txnIdDigits: 20,
  again: new Set([1, 90]),
  read: (body) => fromXml(body, ['prv_txn']),
};

/** Kaspi: JSON, or XML where that was agreed on. */
export const kaspiWire: Wire = {
  methods: ['GET'],
  txnIdDigits: 18,
  again: new Set([4]),
  read: (body, type) => (type.includes('json') ? fromJson(body) : fromXml(body, ['prv_txn', 'prv_txn_id'])),
};

type Fields = Readonly<Record<string, unknown>>;

function fromJson(body: string): Told | undefined {
  try {
    return toldOf(recordOf(JSON.parse(body)), ['prv_txn_id']);
  } catch {
    return undefined;
  }
}

function fromXml(body: string, names: readonly string[]): Told | undefined {
  try {
    return toldOf(recordOf(recordOf(parser.parse(body))?.response), names);
  } catch {
    return undefined;
  }
}

function toldOf(answer: Fields | undefined, names: readonly string[]): Told | undefined {
  const result = String(answer?.result ?? '');
  if (answer === undefined || !/^\d{1,3}$/.test(result)) return undefined;
  const name = names.find((one) => answer[one] !== undefined);
  const fields = Object.values(recordOf(answer.fields) ?? {}).map((field) => {
    const { '@name': label, '#text': text } = recordOf(field) ?? {};
    return `${String(label ?? '')}: ${String(text ?? '')}`;
  });
  return {
    result: Number(result),
    prvTxn: name === undefined ? undefined : String(answer[name]),
    comment: String(answer.comment ?? ''),
    fields,
  };
}

function recordOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}
