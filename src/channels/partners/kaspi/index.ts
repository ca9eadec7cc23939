import type { AgentSettings } from '../../../parties/index.ts';
import { element, escapeXml, type Protocol, type Told, XML } from '../protocol.ts';
import { AGAIN, kaspiAtCheck, kaspiFinals } from './results.ts';

/** Kaspi.kz's online protocol, as the one it pays to: `GET /kaspi/{agent}?command=…`. Answers are JSON, or XML where that was agreed on. */
export const kaspi: Protocol = {
  id: 'kaspi',
  methods: ['GET'],
  txnIdDigitsMax: 18,
  finals: kaspiFinals,
  atCheck: kaspiAtCheck,
  again: AGAIN,
  render: (told, settings) =>
    settings.answer === 'json'
      ? { type: 'application/json; charset=utf-8', body: JSON.stringify(document(told, settings)) }
      : { type: 'text/xml; charset=utf-8', body: `${XML}${response(told, settings)}\n` },
};

function document({ txnId, result, comment, prvTxn, sum, fields }: Told, { bin }: AgentSettings): object {
  const shown = fields.map(({ label, text }, index) => [`field${index + 1}`, { '@name': label, '#text': text }]);
  return {
    txn_id: txnId,
    ...(prvTxn === undefined ? {} : { prv_txn_id: String(prvTxn) }),
    result,
    ...(sum === undefined ? {} : { sum }),
    ...(bin === undefined ? {} : { bin }),
    comment,
    ...(shown.length === 0 ? {} : { fields: Object.fromEntries(shown) }),
  };
}

function response({ txnId, result, comment, prvTxn, sum, fields }: Told, { bin }: AgentSettings): string {
  const parts = [
    element('txn_id', txnId),
    prvTxn === undefined ? '' : element('prv_txn', String(prvTxn)),
    sum === undefined ? '' : element('sum', sum),
    bin === undefined ? '' : element('bin', bin),
    element('result', String(result)),
    element('comment', comment),
  ];
  const shown = fields.map(
    ({ label, text }, index) => `<field${index + 1} name="${escapeXml(label)}">${escapeXml(text)}</field${index + 1}>`,
  );
  if (shown.length > 0) parts.push(`<fields>${shown.join('')}</fields>`);
  return `<response>${parts.join('')}</response>`;
}
