import { answerJob } from './children.ts';
import { closedLoop, type Measured, openLoop } from './driver.ts';
import { callers, type Shape } from './shapes.ts';

/** One run of the driver in a process of its own, so that it shares no event loop with what it measures. */
export type Job = { readonly port: number; readonly seconds: number; readonly shape: Shape } & (
  | { readonly mode: 'open'; readonly rate: number; readonly seed: number; readonly linesMax: number }
  | { readonly mode: 'closed'; readonly callers: number }
);

answerJob<Job, Measured>((job) => {
  const { port, seconds } = job;
  const begin = callers(job.shape);
  if (job.mode === 'closed') return closedLoop({ port, seconds, callers: job.callers, begin });
  return openLoop({ port, seconds, rate: job.rate, seed: job.seed, linesMax: job.linesMax, begin });
});
