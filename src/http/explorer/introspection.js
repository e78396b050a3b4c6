// What both pages begin with: where the API is, and introspection. That goes by GET, so that the browser keeps the
// answer, megabytes for a large model, and only asks whether it is still the same.
const clef = (() => {
  const { base, nonce } = document.documentElement.dataset;
  // For the style elements of libraries that look for it here.
  window.__webpack_nonce__ = nonce;

  const endpoint = new URL(`${base}graphql`, location.href);
  endpoint.search = endpoint.hash = '';
  const socket = new URL(endpoint);
  socket.protocol = endpoint.protocol.replace('http', 'ws');
  const linked = new URLSearchParams(location.search);

  /** The value of the header, if it is there. */
  const authorization = (headers) =>
    String(Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'authorization')?.[1] ?? '').trim();

  /** With a token it has the mutations which that may run. If there are none, all: the server says why it refuses. */
  async function introspect(query, headers) {
    const url = new URL(endpoint);
    url.searchParams.set('query', query.replace(/\s+/g, ' ').trim());
    const answer = async (extra) => (await fetch(url, { headers: { ...headers, Accept: 'application/json', ...extra } })).json();
    const own = authorization(headers) ? await answer({ 'X-Clef-Visible': 'mine' }) : null;
    return own?.data?.__schema.mutationType ? own : answer({});
  }

  return {
    endpoint: endpoint.href,
    socket: socket.href,
    /** What a link to this page brings along. */
    query: linked.get('query') ?? undefined,
    variables: linked.get('variables') ?? undefined,
    example: document.getElementById('query').textContent,
    isIntrospection: ({ operationName, query }) => operationName === 'IntrospectionQuery' && query.includes('__schema'),
    authorization,
    introspect,
  };
})();
