import { writeSync } from 'node:fs';
import { readConfig } from './config.ts';
import { type Serving, serve } from './serve.ts';
import { buildProgram } from './staff.ts';
import { welcomeJson, welcomeText } from './welcome.ts';

// The only executable: `serve` runs the platform, everything else is a staff command.

type ServeOptions = { port?: string; host?: string; dataDir?: string; json?: boolean; demo?: boolean };

const program = buildProgram();

program
  .command('serve')
  .description('run the platform: site, API, USSD gateways')
  .option('--port <n>', 'where to listen (default 8080)')
  .option('--host <address>', 'address to listen on (default 127.0.0.1)')
  .option('--data-dir <dir>', 'embedded database, keys and demo secrets (default .sapar)')
  .option('--demo', 'demo partner, cards and phone (default with the embedded database)')
  .option('--no-demo', 'none of them')
  .option('--json', 'print one JSON line when ready')
  .action(async (options: ServeOptions) => {
    const serving = await serve(readConfig(process.env, options));
    stopOnSignal(serving);
    writeSync(1, options.json === true ? `${JSON.stringify(welcomeJson(serving))}\n` : welcomeText(serving));
  });

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`sapar: ${error instanceof Error ? error.message : String(error)}\n`);
  if (process.env.LOG_LEVEL === 'debug' && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
}

/** A signal to the whole process group arrives twice, directly and forwarded; a second one later means "now". */
const SAME_SIGNAL_MS = 1_000;

function stopOnSignal(serving: Serving): void {
  let stoppingSince: number | undefined;
  const stop = (): void => {
    if (stoppingSince !== undefined && performance.now() - stoppingSince > SAME_SIGNAL_MS) process.exit(1);
    if (stoppingSince !== undefined) return;
    stoppingSince = performance.now();
    serving.close().then(
      () => process.exit(process.exitCode ?? 0),
      (error: unknown) => {
        process.stderr.write(`sapar: ${error instanceof Error ? error.message : String(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}
