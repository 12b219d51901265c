// The reference page: Swagger UI on the contract of the service that the page comes from, and the samples in it.

/** Swagger UI knows no `x-codeSamples`: they are shown below the parameters of their operation. */
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
 * Moves the example of an optional parameter to its description. The page fills fields with their examples, which would
 * add unintended filters to each request and use one idempotency key for all sends.
 */
function withoutExample(parameter) {
  if (parameter.required || parameter.example === undefined) return parameter;
  const { example, ...rest } = parameter;
  return {
    ...rest,
    description: `${rest.description.trim()} For example \`${[example].flat().join('`, `')}\`.`,
  };
}

function tryable(contract) {
  const { parameters } = contract.components;
  for (const name of Object.keys(parameters)) parameters[name] = withoutExample(parameters[name]);
  for (const operation of Object.values(contract.paths).flatMap((path) => Object.values(path)))
    if (operation.parameters) operation.parameters = operation.parameters.map(withoutExample);
  contract.servers = [{ url: location.origin, description: 'This service' }];
  return contract;
}

const answer = await fetch('/openapi.json');
globalThis.SwaggerUIBundle({
  spec: tryable(await answer.json()),
  domNode: document.getElementById('reference'),
  plugins: [samples],
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  validatorUrl: null,
});
