/** One line of what a page states: a term and what it is, ready to read. */
export type Fact = {
  readonly term: string;
  readonly value: string;
  readonly note?: string | undefined;
  /** Where it can be changed. */
  readonly change?: string | undefined;
  readonly isMain?: true;
  /** To be compared or typed character by character. */
  readonly isCode?: true;
};
