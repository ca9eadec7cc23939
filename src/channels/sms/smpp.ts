import { readArrival, type TextMessages } from '../../notices/index.ts';
import type { Delivered, TextCoding, Verdict } from '../../wire/smpp/index.ts';
import type { SmsEngine, SmsGateway } from './engine.ts';

export type SmppSms = {
  readonly engine: SmsEngine;
  readonly messages: Pick<TextMessages, 'receive' | 'join'>;
};

/**
 * What an SMS centre delivers by SMPP: receipts go into the queue, messages to the engine. Answered when it is written down or done, since the centre
 * forgets it then.
 */
export async function takeDelivered(
  { engine, messages }: SmppSms,
  gateway: SmsGateway & { readonly coding: TextCoding },
  pdu: Delivered,
): Promise<Verdict> {
  const arrival = readArrival(pdu, gateway);
  if (arrival.kind === 'receipt') await messages.receive(arrival.receipt);
  if (arrival.kind !== 'message') return 'taken';
  const { from, part } = arrival;
  const text = part
    ? await messages.join(
        { from, gateway: gateway.id, reference: part.reference, pieces: part.total, no: part.number },
        arrival.text,
      )
    : arrival.text;
  if (text !== undefined) await engine.take({ gateway, from, text });
  return 'taken';
}
