import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';

/** The name of the schema of an API description, which references contain. */
const NAME = 'description';

/**
 * Validators of the schemas of a provider's own API description, from the folder that `PROVIDER_SPECS` names. Null if the
 * folder does not have the description.
 *
 * @param file the name of the OpenAPI document.
 */
export function findDescription(file: string): ((path: string) => ValidateFunction) | null {
  const path = join(process.env.PROVIDER_SPECS ?? '', file);
  if (!process.env.PROVIDER_SPECS || !existsSync(path)) return null;
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema(JSON.parse(readFileSync(path, 'utf8')), NAME);
  return (pointer) => ajv.compile({ $ref: `${NAME}#${pointer}` });
}

/** The note in the title of a test that is skipped without the description. */
export const NO_DESCRIPTION = ' (skipped: PROVIDER_SPECS names no folder with the description)';
