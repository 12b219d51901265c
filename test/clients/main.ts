import { execFile } from 'node:child_process';
import { cp, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { mochaGlobalSetup, mochaGlobalTeardown } from '../support/database.ts';
import { startHarness } from '../support/harness.ts';

interface Generator {
  /** The folder of the program. */
  name: string;
  /** Succeeds if the language is installed. */
  language: string;
  install: string;
  generate: string;
  run: string;
}

/**
 * Generates clients from openapi.yaml with openapi-python-client and oapi-codegen, and runs a program with each client against
 * a service with API keys. A generator that cannot be installed is skipped. Exits with 1 if a client does not work.
 */
const FOLDER = '.clients';
const CONTRACT = resolve('openapi.yaml');
const API_KEY = 'correct-horse-battery';

const GENERATORS: Generator[] = [
  {
    name: 'python',
    language: 'python3 -m venv --help',
    install:
      '([ -d venv ] || python3 -m venv venv) && venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt',
    generate: `venv/bin/openapi-python-client generate --meta none --config config.yaml --path ${CONTRACT} --output-path messaging_service_client --overwrite`,
    run: 'venv/bin/python program.py',
  },
  {
    name: 'go',
    language: 'go version',
    install:
      'go mod download && go build -o oapi-codegen github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen',
    generate: `mkdir -p api && ./oapi-codegen -config oapi-codegen.yaml ${CONTRACT} && go vet .`,
    run: 'go run .',
  },
];

/** The output of each program. */
const EXPECTED = `sms sms queued +18045551234
again 0
email email Hello
untyped sms scheduled 2999
cancel canceled
conflict Problem not_retriable
get 0
missing 404 not_found
list 3
conversation Hi,Later
external ticket-77 returns
taken 409 external_id_taken
found 0
events message.queued Hi,message.canceled Later
endpoint disabled message.delivered whsec_
rotated whsec_
deleted 204
refused invalid_request /body/to
stranger 401 unauthorized
`;

let failed = false;
await mochaGlobalSetup();
for (const generator of GENERATORS) process.stdout.write(`${generator.name}: ${await test(generator)}\n`);
await mochaGlobalTeardown();
process.exit(failed ? 1 : 0);

/** Tests one generator and returns the result. */
async function test({ name, language, install, generate, run }: Generator): Promise<string> {
  const folder = join(FOLDER, name);
  await mkdir(folder, { recursive: true });
  await cp(join(import.meta.dirname, name), folder, { recursive: true });
  if ((await shell(language, folder)).code !== 0) return `skipped, because "${language}" fails`;
  const installed = await shell(install, folder);
  if (installed.code !== 0) return `skipped, because the generator cannot be installed:\n${installed.stderr}`;
  const generated = await shell(generate, folder);
  if (generated.code !== 0)
    return fail(`the client cannot be generated:\n${generated.stdout}${generated.stderr}`);
  const service = await startHarness({ API_KEYS: `clients:${API_KEY}` });
  const { code, stdout, stderr } = await shell(`${run} ${service.url} ${API_KEY}`, folder);
  await service.stop();
  if (code !== 0 || stdout !== EXPECTED) return fail(`the client does not work:\n${stdout}${stderr}`);
  return 'the generated client works';
}

function fail(reason: string): string {
  failed = true;
  return reason;
}

/** Runs a command line in a folder. */
function shell(command: string, cwd: string): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    execFile('bash', ['-c', command], { cwd }, (error, stdout, stderr) =>
      done({ code: error ? 1 : 0, stdout, stderr }),
    );
  });
}
