import { fileURLToPath } from 'node:url';
import * as OpenApiValidator from 'express-openapi-validator';

/** Validates requests by openapi.yaml; all simulators of a process share the compiled schemas. */
export const validate = OpenApiValidator.middleware({
  apiSpec: fileURLToPath(new URL('../openapi.yaml', import.meta.url)),
  validateApiSpec: false,
  validateSecurity: false,
  ajvFormats: { mode: 'full' },
});
