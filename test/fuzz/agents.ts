import assert from 'node:assert/strict';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { osmpWire } from '../../simulators/agents/wires.ts';
import { readAsk } from '../../src/channels/partners/ask.ts';
import { kaspi } from '../../src/channels/partners/kaspi/index.ts';
import { osmp } from '../../src/channels/partners/osmp/index.ts';
import type { Told } from '../../src/channels/partners/protocol.ts';
import { type AgentSettings, settingsFor } from '../../src/parties/index.ts';
import type { Codec } from './codecs.ts';

const settings: AgentSettings = { ...settingsFor('osmp'), bin: '123456789012' };

/** What is not refused is whole. */
function readRequest(text: string, digits: number): void {
  const ask = readAsk(text, digits, settings);
  if (ask.txnId !== undefined) assert.ok(/^\d+$/.test(ask.txnId) && ask.txnId.length <= digits);
  if (ask.refusal) return;
  assert.ok(ask.command !== undefined && ask.txnId !== undefined);
  assert.match(String(ask.account), /^77\d{9}$/);
  assert.ok((ask.amountMinor ?? 0n) >= settings.sumMinorMin && (ask.amountMinor ?? 0n) <= settings.sumMinorMax);
  if (ask.command === 'pay') assert.ok(ask.txnDate instanceof Date && !Number.isNaN(ask.txnDate.getTime()));
}

const request: Codec = {
  name: 'agent request',
  seeds: [
    'command=pay&txn_id=1234567&txn_date=20261124153000&account=7011234567&sum=200.45',
    'command=check&txn_id=12345678901234567890&account=%2B77011234567&sum=1.00',
    'sum=50000&account=87011234567&txn_date=20240229235959&command=pay&txn_id=0&data1=%CF%F0&prv_id=%D0%9A',
  ].map((text) => Buffer.from(text)),
  read(octets) {
    // As the server has them: those of an address one by one, those of a form as UTF-8.
    readRequest(octets.toString('latin1'), osmp.txnIdDigitsMax);
    readRequest(octets.toString('utf8'), kaspi.txnIdDigitsMax);
  },
};

const parser = new XMLParser({ parseTagValue: false, trimValues: false });

const answer: Codec = {
  name: 'agent answer',
  seeds: ['OK', 'Абонент <&>"\' ]]> <!-- --> &amp; \\"\n\t😀￥', '\u0000\u0001\u000b\ufffe'].map((text) =>
    Buffer.from(text),
  ),
  read(octets) {
    const comment = octets.toString(octets.length % 2 === 0 ? 'utf8' : 'utf16le');
    const field = { label: comment, text: comment };
    const told: Told = {
      command: 'pay',
      txnId: '7',
      result: 0,
      comment,
      prvTxn: 2016n,
      sum: '200.45',
      fields: [field],
    };
    for (const body of [osmp.render(told, settings).body, kaspi.render(told, { ...settings, answer: 'xml' }).body]) {
      assert.equal(XMLValidator.validate(body), true);
      assert.equal(parser.parse(body).response.prv_txn, '2016');
      assert.equal(osmpWire.read(body, 'text/xml')?.prvTxn, '2016');
    }
    const { body } = kaspi.render(told, { ...settings, answer: 'json' });
    assert.equal(JSON.parse(body).comment, comment);
    // What a network reads is as wild as what it sends.
    osmpWire.read(octets.toString(), 'text/xml');
  },
};

export const agentCodecs: readonly Codec[] = [request, answer];
