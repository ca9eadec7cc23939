import { fail, redirect } from '@sveltejs/kit';
import { m } from '../../../../../messages/compiled/messages.js';
import { readOperators } from '../../../api.server.ts';
import { dialCodes } from '../../../dial.server.ts';
import { type Problem, textIn } from '../../../forms.ts';
import { problemIn, visitorOf } from '../../../found.server.ts';
import { limits } from '../../../limits.ts';
import { redeemCard } from '../../../orders/api.server.ts';
import { noNumber, numberField } from '../../../orders/number.server.ts';
import { keepDone } from '../../../redeem/done.server.ts';
import { redeemWords } from '../../../redeem/words.server.ts';
import { siteWords } from '../../../words.server.ts';
import type { Actions, PageServerLoad } from './$types';

/** A card's QR code brings the code after the #, which only script in the page can read. */
export const csr = true;

export const load: PageServerLoad = async (event) => {
  const { language } = event.locals;
  const operators = await readOperators(visitorOf(event));
  event.setHeaders({ 'cache-control': 'no-store' });
  return {
    redeem: redeemWords(language),
    codes: operators.kind === 'read' ? dialCodes(operators.value, language) : [],
  };
};

const TAIL_DIGITS = 4;

export const actions: Actions = {
  default: async (event) => {
    const { language } = event.locals;
    const form = await event.request.formData();
    const number = textIn(form, 'number', limits.numberLengthMax);
    const code = textIn(form, 'code', limits.codeLengthMax);
    const refuse = (...problems: Problem[]) => fail(422, { number, code, problems });
    const missing = [
      ...(number === '' ? [noNumber(language)] : []),
      ...(code === '' ? [{ field: 'code', text: m.redeem_code_empty({}, { locale: language }) }] : []),
    ];
    if (missing.length > 0) return refuse(...missing);
    const redeemed = await redeemCard({ msisdn: number, pin: code }, visitorOf(event));
    if (redeemed.kind !== 'read') return refuse(problemIn(redeemed, siteWords(language), fieldOf));
    const tail = number.normalize('NFKC').replace(/\D/g, '').slice(-TAIL_DIGITS);
    keepDone(event.cookies, redeemed.value, { tail, secure: event.url.protocol === 'https:' });
    redirect(303, `/${language}/redeem/done`);
  },
};

function fieldOf(code: string): string | undefined {
  return /^(pin|voucher)\./.test(code) ? 'code' : numberField(code);
}
