import { fail } from '@sveltejs/kit';
import { answer, dial, hangUp, idlePhone, repeat } from '../../../phone/call.server.ts';
import { type Desk, openDesk } from '../../../phone/phones.server.ts';
import type { PhoneView } from '../../../phone/view.ts';
import { phoneWords } from '../../../phone/words.server.ts';
import type { Actions, PageServerLoad, RequestEvent } from './$types';

export const csr = true;

export const load: PageServerLoad = async (event) => {
  const desk = await openDesk(event);
  const { phone, phones, visitor } = desk;
  event.setHeaders({ 'cache-control': 'no-store' });
  return {
    phoneWords: phoneWords(visitor.language, phone.menuCode),
    operator: phone.operator,
    phones: phones.map(({ operator, name, menuCode }) => ({ operator, name, menuCode })),
    // After a form the action has made the phone already.
    idle: event.request.method === 'GET' ? await idlePhone(desk) : undefined,
  };
};

export const actions: Actions = {
  dial: (event) => step(event, dial),
  answer: (event) => step(event, answer),
  repeat: (event) => step(event, repeat),
  hangup: (event) => step(event, hangUp),
};

async function step(event: RequestEvent, verb: (desk: Desk, form: FormData) => Promise<PhoneView>) {
  const desk = await openDesk(event);
  const phone = await verb(desk, await event.request.formData());
  return phone.problems.length > 0 ? fail(422, { phone }) : { phone };
}
