import { Router } from 'express';
import { answerError } from '../middleware/error-response.ts';
import type { Simulation } from '../simulation.ts';
import type { ProviderFile } from './files.ts';

/** The files of the providers, in the control API. openapi.yaml validates the requests. */
export function filesApi(simulation: Simulation): Router {
  const router = Router();
  router.get('/', (_request, response) => {
    response.json({ data: simulation.files.all().map(presentedFile) });
  });
  router.post('/', (request, response) => {
    response.status(201).json(presentedFile(simulation.files.add(request.body)));
  });
  router.delete('/:id', (request, response) => {
    const file = simulation.files.get(request.params.id);
    if (!file) return answerError(response, 404, 'not_found', 'There is no such file');
    file.isDeleted = true;
    response.status(204).end();
  });
  return router;
}

function presentedFile({ id, contentType: content_type, name, size, sha256 }: ProviderFile): object {
  return { id, content_type, name, size, sha256 };
}
