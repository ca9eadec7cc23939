import { limits } from '../limits.ts';
import type { StatusView } from './view.ts';

type Watcher = {
  readonly onnews: (view: StatusView) => void;
  /** Nothing has been heard for a while, or the line is back. */
  readonly onlost: (isLost: boolean) => void;
};

/** Listens to the news of an order until there will be none. Answers how to stop. */
export function watchOrder(url: string, { onnews, onlost }: Watcher): () => void {
  let source: EventSource | undefined;
  let lost: ReturnType<typeof setTimeout> | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;

  const heard = (): void => {
    clearTimeout(lost);
    lost = undefined;
    onlost(false);
  };
  const stop = (): void => {
    clearTimeout(lost);
    clearTimeout(again);
    source?.close();
  };
  const listen = (): void => {
    source = new EventSource(url);
    source.addEventListener('open', heard);
    source.addEventListener('order', (event) => {
      heard();
      const view: StatusView = JSON.parse(event.data);
      onnews(view);
      if (view.isFinal) stop();
    });
    source.addEventListener('error', () => {
      lost ??= setTimeout(() => onlost(true), limits.streamLostMs);
      // The browser takes a broken stream up again by itself, but not one that was refused.
      if (source?.readyState === EventSource.CLOSED) again = setTimeout(listen, limits.streamLostMs);
    });
  };
  listen();
  return stop;
}
