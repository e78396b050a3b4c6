// Starts GraphQL Playground.
(() => {
  const KEPT = 'graphql-playground';
  // It would take endpoints, tabs and headers from there.
  history.replaceState(null, '', location.pathname);

  // It keeps its tabs, but for what is typed into HTTP HEADERS.
  const { setItem } = Storage.prototype;
  const withoutHeaders = (name, value) => (name === 'headers' && typeof value === 'string' ? '' : value);
  Storage.prototype.setItem = function (key, text) {
    setItem.call(this, key, key === KEPT ? JSON.stringify(JSON.parse(text, withoutHeaders)) : text);
  };

  // The tab SCHEMA cannot read interfaces that implement others (graphql-playground-react 1.7).
  const { fetch } = window;
  window.fetch = async (address, options) => {
    const request = typeof options?.body === 'string' ? JSON.parse(options.body) : {};
    if (address !== clef.endpoint || !clef.isIntrospection(request)) return fetch(address, options);
    // The editor first.
    await new Promise((resolve) => (window.requestIdleCallback ?? setTimeout)(resolve, { timeout: 1000 }));
    const answer = await clef.introspect(request.query, options.headers);
    for (const type of answer.data?.__schema.types ?? []) if (type.kind === 'INTERFACE') type.interfaces = [];
    return new Response(JSON.stringify(answer));
  };

  // The frame of suggestions goes with them by the event DOMNodeRemoved, which browsers no longer send.
  const FRAME = '.CodeMirror-hints-wrapper';
  new MutationObserver((changes) => {
    for (const { target, removedNodes } of changes) {
      if (removedNodes.length > 0 && target.matches(FRAME) && !target.querySelector('.CodeMirror-hints')) target.remove();
    }
  }).observe(document.body, { childList: true, subtree: true });

  const options = { endpoint: clef.endpoint, subscriptionEndpoint: clef.socket, setTitle: false };
  const isFirst = localStorage.getItem(KEPT) === null;
  if (isFirst) {
    options.settings = {
      'editor.theme': matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light',
      // Megabytes every other second.
      'schema.polling.enable': false,
      'tracing.tracingSupported': false,
    };
  }
  if (isFirst || clef.query) {
    const { endpoint, variables } = clef;
    const query = clef.query ?? clef.example;
    options.tabs = [{ endpoint, name: clef.query ? undefined : 'Example', query, variables, headers: { Authorization: '' } }];
  }
  GraphQLPlayground.init(document.getElementById('root'), options);
})();
