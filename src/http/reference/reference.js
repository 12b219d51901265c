// The reference page: Swagger UI with the contract of this service and its samples.

/** A plugin that shows the `x-codeSamples` of an operation below its parameters; Swagger UI itself ignores them. */
const samples = () => ({
  wrapComponents: {
    parameters:
      (Parameters, { React, getComponent }) =>
      (props) => {
        const found = props.operation.get('x-codeSamples')?.toJS() ?? [];
        return React.createElement(
          React.Fragment,
          null,
          React.createElement(Parameters, props),
          found.length > 0 && React.createElement(Samples, { React, getComponent, found }),
        );
      },
  },
});

function Samples({ React, getComponent, found }) {
  const Code = getComponent('HighlightCode', true);
  return React.createElement(
    'div',
    { className: 'samples' },
    React.createElement('h4', null, 'Samples'),
    ...found.map(({ lang, label, source }) =>
      React.createElement(
        'details',
        { key: label, open: true },
        React.createElement('summary', null, label),
        React.createElement(
          Code,
          { language: lang === 'sh' ? 'bash' : 'javascript', canCopy: true },
          source.trim(),
        ),
      ),
    ),
  );
}

/**
 * Moves the example of an optional parameter to its description. Swagger UI prefills fields with their examples, which would
 * add unintended filters to each request and use the same idempotency key for all sends.
 */
function withoutExample(parameter) {
  if (parameter.required || parameter.example === undefined) return parameter;
  const { example, ...rest } = parameter;
  return {
    ...rest,
    description: `${rest.description.trim()} For example \`${[example].flat().join('`, `')}\`.`,
  };
}

/** Changes the contract so that Swagger UI sends useful requests to this service. */
function prepare(contract) {
  const { parameters } = contract.components;
  for (const name of Object.keys(parameters)) parameters[name] = withoutExample(parameters[name]);
  for (const operation of Object.values(contract.paths).flatMap((path) => Object.values(path)))
    if (operation.parameters) operation.parameters = operation.parameters.map(withoutExample);
  contract.servers = [{ url: location.origin, description: 'This service' }];
  return contract;
}

/** Sends a file with its own type. Without this, Swagger UI sends the wildcard of the contract, which is no type. */
function withFileType(request) {
  if (request.body instanceof Blob && request.headers['Content-Type'] === '*/*')
    request.headers['Content-Type'] = request.body.type || 'application/octet-stream';
  return request;
}

const response = await fetch('/openapi.json');
globalThis.SwaggerUIBundle({
  spec: prepare(await response.json()),
  domNode: document.getElementById('reference'),
  plugins: [samples],
  requestInterceptor: withFileType,
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  validatorUrl: null,
});
