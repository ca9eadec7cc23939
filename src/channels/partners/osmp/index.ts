import type { AgentSettings } from '../../../parties/index.ts';
import { element, escapeXml, type Protocol, type Told, XML } from '../protocol.ts';
import { AGAIN, osmpAtCheck, osmpFinals } from './results.ts';

/** The check/pay protocol of payment terminals (OSMP, later QIWI), as its provider: `GET /osmp/{agent}?command=…`, or the same as a form. */
export const osmp: Protocol = {
  id: 'osmp',
  methods: ['GET', 'POST'],
  txnIdDigitsMax: 20,
  finals: osmpFinals,
  atCheck: osmpAtCheck,
  again: AGAIN,
  render: (told, settings) => ({ type: 'text/xml; charset=utf-8', body: `${XML}${response(told, settings)}\n` }),
};

function response({ txnId, result, comment, prvTxn, sum, fields }: Told, { echoTag }: AgentSettings): string {
  const paid = prvTxn === undefined ? '' : element('prv_txn', String(prvTxn));
  const money = sum === undefined ? '' : element('sum', sum);
  const shown = fields
    .map(({ label, text }, index) => {
      const tag = `field${index + 1}`;
      return `<${tag} name="${escapeXml(label)}" type="disp">${escapeXml(text)}</${tag}>`;
    })
    .join('');
  const list = shown === '' ? '' : `<fields>${shown}</fields>`;
  return `<response>${element(echoTag, txnId)}${paid}${money}${element('result', String(result))}${list}${element('comment', comment)}</response>`;
}
