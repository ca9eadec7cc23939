import { error, type RequestEvent } from '@sveltejs/kit';
import type { Answer, NoAnswer, Visitor } from './api.server.ts';
import type { Problem } from './forms.ts';
import type { SiteWords } from './words.server.ts';

export function visitorOf({ locals, getClientAddress }: Pick<RequestEvent, 'locals' | 'getClientAddress'>): Visitor {
  return { language: locals.language, address: getClientAddress() };
}

/** The value, or the error page that says why there is none. `absence` is what that page calls a thing that does not exist. */
export function found<Value>(answer: Answer<Value>, absence: App.Error['code']): Value {
  switch (answer.kind) {
    case 'read':
      return answer.value;
    case 'absent':
      return error(404, { message: 'There is no such thing', code: absence });
    case 'refused':
    case 'unreachable':
      return error(503, 'The API gave no answer for this page');
  }
}

/** What a form met with instead of a value, in words, at the field whose fault it is. */
export function problemIn(
  answer: NoAnswer,
  words: Pick<SiteWords, 'unreachable'>,
  fieldOf: (code: string) => string | undefined,
): Problem {
  if (answer.kind !== 'refused') return { field: undefined, text: words.unreachable };
  return { field: fieldOf(answer.code), text: answer.detail };
}
