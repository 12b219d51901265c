import express from 'express';
import * as OpenApiValidator from 'express-openapi-validator';

/** The baseline for HTTP: Express and the validator only, the minimum cost of any service with this contract. */
const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.use(express.json());
app.use(OpenApiValidator.middleware({ apiSpec: 'openapi.yaml', validateSecurity: false }));
app.get('/readyz', (_request, response) => void response.json({ status: 'ok' }));
app.post('/api/webhooks/sms', (request, response) => void response.json(request.body));
app.listen(Number(process.env.PORT), '127.0.0.1');
