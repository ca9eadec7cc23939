/** Ways to break the platform on purpose, each of which the harness must catch. */
export const controls = ['none', 'refused', 'taken'] as const;
export type Control = (typeof controls)[number];

export function isControl(text: string): text is Control {
  return controls.some((control) => control === text);
}
