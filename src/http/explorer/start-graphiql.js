// Starts GraphiQL.
(() => {
  const { createElement, useEffect, useMemo, useState } = React;
  const send = GraphiQL.createFetcher({
    url: clef.endpoint,
    subscriptionUrl: clef.socket,
    enableIncrementalDelivery: false,
  });

  /** In the text of the headers pane, if that can be read. */
  function token(text) {
    try {
      return clef.authorization(JSON.parse(text));
    } catch {
      return '';
    }
  }

  function Explorer() {
    const [typed, type] = useState('');
    const [known, know] = useState('');
    useEffect(() => {
      const wait = setTimeout(() => know(typed), 600);
      return () => clearTimeout(wait);
    }, [typed]);
    // Another fetcher has GraphiQL ask for the schema again.
    const fetcher = useMemo(
      () => (request, options) =>
        clef.isIntrospection(request) ? clef.introspect(request.query, options?.headers) : send(request, options),
      [known],
    );
    return createElement(GraphiQL, {
      fetcher,
      query: clef.query,
      variables: clef.variables,
      defaultQuery: clef.example,
      defaultEditorToolsVisibility: 'headers',
      shouldPersistHeaders: false,
      dangerouslyAssumeSchemaIsValid: true,
      onEditHeaders: (text) => type(token(text)),
    });
  }

  ReactDOM.createRoot(document.getElementById('root')).render(createElement(Explorer));
})();
