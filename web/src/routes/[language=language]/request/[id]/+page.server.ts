import { error, fail, redirect } from '@sveltejs/kit';
import { problemIn, visitorOf } from '../../../../found.server.ts';
import { pageOf } from '../../../../orders/address.ts';
import { orderFromLink } from '../../../../orders/api.server.ts';
import { openLink } from '../../../../orders/link.server.ts';
import { siteWords } from '../../../../words.server.ts';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = (event) => openLink(event, event.params.id);

export const actions: Actions = {
  default: async (event) => {
    const { language } = event.locals;
    const order = await orderFromLink(event.params.id, visitorOf(event));
    if (order.kind === 'read') redirect(303, pageOf(order.value, language));
    if (order.kind === 'absent') error(404, { message: 'The link has ended', code: 'no_link' });
    return fail(422, { problems: [problemIn(order, siteWords(language), () => undefined)] });
  },
};
