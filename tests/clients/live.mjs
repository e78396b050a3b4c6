#!/usr/bin/env node
// Unmodified npm clients against a server (use a scratch database): live.mjs HOST ID KEY
// graphql-ws, subscriptions-transport-ws and graphql-sse subscribe; Apollo Client 3 reads, writes and subscribes over both protocols.
// Prints a PASS or FAIL line for each step; exit code 0 only if nothing failed.
import { ApolloClient, HttpLink, InMemoryCache, gql, split } from '@apollo/client/core/index.js'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions/index.js'
import { createPersistedQueryLink } from '@apollo/client/link/persisted-queries/index.js'
import { WebSocketLink } from '@apollo/client/link/ws/index.js'
import { getMainDefinition } from '@apollo/client/utilities/index.js'
import fetch from 'cross-fetch'
import { createHash } from 'node:crypto'
import { createClient as createSseClient } from 'graphql-sse'
import { createClient } from 'graphql-ws'
import { SubscriptionClient } from 'subscriptions-transport-ws'
import WebSocket from 'ws'

const [HOST, ID, KEY] = process.argv.slice(2)
const WS = HOST.replace(/^http/, 'ws')
let failed = 0
const check = (condition, what) => { if (!condition) throw new Error(what) }
const equal = (found, expected) => check(JSON.stringify(found) === JSON.stringify(expected), `expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`)
const pause = ms => new Promise(resolve => setTimeout(resolve, ms))
const within = (promise, ms = 5000) => Promise.race([promise, pause(ms).then(() => { throw new Error(`nothing within ${ms} ms`) })])
const step = async (name, run) => {
  try { await run(); console.log(`PASS ${name}`) } catch (error) { failed++; console.log(`FAIL ${name}: ${String(error.message || error).replace(/\s+/g, ' ').slice(0, 300)}`) }
}
const post = async (path, body, headers = {}) => (await fetch(HOST + path, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) })).json()
const token = async scopes => (await post('/jwt', { id: ID, apiKey: KEY, scopes })).jwt
const all = await token(['*'])
const mutate = async query => { const done = await post('/graphql', { query }, { Authorization: `Bearer ${all}` }); check(!done.errors, JSON.stringify(done.errors)); return done.data }
const CHANGED = 'subscription { nodeChanged(types: [Person], actions: [CREATED]) { key node { ... on Person { name } ... on ThingInterface { identifier } } } }'
const THINGS = 'subscription { ThingCreateMutation(onTypes: [Place]) { type identifier } }'

// Subscribes, lets something happen once that is under way, and gives the first payload.
const first = async (subscribe, happen) => {
  const event = within(new Promise((resolve, reject) => subscribe({ next: resolve, error: error => reject(error instanceof Error ? error : new Error(JSON.stringify(error))) })))
  event.catch(() => {})
  await pause(500)
  await happen()
  return event
}

for (const path of ['/', '/graphql']) {
  await step(`graphql-ws on ${path}: subscription, query, mutation with a token, refused without, error for an invalid document`, async () => {
    const client = createClient({ url: WS + path, webSocketImpl: WebSocket, connectionParams: { Authorization: `Bearer ${all}` }, retryAttempts: 0, keepAlive: 200 })
    const once = (on, query) => within(new Promise((resolve, reject) => { let result; on.subscribe({ query }, { next: it => { result = it }, error: reject, complete: () => resolve(result) }) }))
    const event = await first(sink => client.subscribe({ query: CHANGED }, { complete: () => {}, ...sink }), () => mutate('mutation { CreatePerson(identifier: "w' + path.length + '", name: "Clara") { name } }'))
    equal(event.data.nodeChanged, { key: 'w' + path.length, node: { name: 'Clara', identifier: 'w' + path.length } })
    equal((await once(client, '{ __typename }')).data, { __typename: 'Query' })
    equal((await once(client, 'mutation { CreatePlace(name: "Zwickau") { name } }')).data.CreatePlace, { name: 'Zwickau' })
    const anonymous = createClient({ url: WS + path, webSocketImpl: WebSocket, retryAttempts: 0 })
    equal((await once(anonymous, 'mutation { CreatePlace { name } }')).errors[0].message, 'No authorization token.')
    const error = await once(anonymous, '{ nobody }').then(() => null, errors => errors)
    check(Array.isArray(error) && error[0].message, 'an invalid document is no error')
    await pause(700)
    await client.dispose(); await anonymous.dispose()
  })
}

await step('graphql-ws: a token that is not good closes with 4403', async () => {
  const closed = within(new Promise(resolve => {
    const client = createClient({ url: WS + '/graphql', webSocketImpl: WebSocket, lazy: false, retryAttempts: 0, connectionParams: { Authorization: 'Bearer a.b.c' }, onNonLazyError: () => {}, on: { closed: resolve } })
    client.on('closed', resolve)
  }))
  equal((await closed).code, 4403)
})

await step('subscriptions-transport-ws: subscription and stop, validation errors, mutation with a token', async () => {
  const client = new SubscriptionClient(WS + '/graphql', { connectionParams: { Authorization: `Bearer ${all}` } }, WebSocket)
  let stop
  const event = await first(sink => { stop = client.request({ query: THINGS }).subscribe(sink).unsubscribe }, () => mutate('mutation { CreatePlace(identifier: "s1") { name } }'))
  equal(event.data, { ThingCreateMutation: { type: 'Place', identifier: 's1' } })
  stop()
  const once = query => within(new Promise((resolve, reject) => client.request({ query }).subscribe({ next: resolve, error: reject })))
  check((await once('subscription { nobody }')).errors.length === 1, 'a validation error')
  equal((await once('mutation { CreatePlace(name: "Endenich") { name } }')).data.CreatePlace, { name: 'Endenich' })
  client.close()
})

await step('graphql-sse: subscription and query', async () => {
  const client = createSseClient({ url: HOST + '/graphql', retryAttempts: 0 })
  const event = await first(sink => client.subscribe({ query: CHANGED }, { complete: () => {}, ...sink }), () => mutate('mutation { CreatePerson(identifier: "e1", name: "Fanny") { name } }'))
  equal(event.data.nodeChanged.node.name, 'Fanny')
  const query = await within(new Promise((resolve, reject) => client.subscribe({ query: '{ __typename }' }, { next: resolve, error: reject, complete: () => {} })))
  equal(query.data, { __typename: 'Query' })
  client.dispose()
})

const { data: { __schema } } = await post('/', { query: '{ __schema { types { kind name possibleTypes { name } } } }' })
const possibleTypes = Object.fromEntries(__schema.types.filter(type => type.possibleTypes).map(type => [type.name, type.possibleTypes.map(it => it.name)]))
const apollo = (jwt, socket) => {
  const http = new HttpLink({ uri: HOST, fetch, headers: { authorization: jwt ? `Bearer ${jwt}` : '' } })
  const isSubscription = ({ query }) => getMainDefinition(query).operation === 'subscription'
  return new ApolloClient({ link: socket ? split(isSubscription, socket, http) : http, cache: new InMemoryCache({ possibleTypes }) })
}

await step('Apollo Client 3: a list with fragments on interfaces', async () => {
  await mutate('mutation { CreateMusicComposition(identifier: "c1", title: "Romanze", name: "op. 22") { name } CreatePerson(identifier: "c2", title: "Clara") { name } }')
  const { data } = await apollo().query({ query: gql`query Things($ids: [ID!]) { ThingInterface(filter: { identifier_in: $ids }, orderBy: identifier_asc) { __typename identifier ... on CreativeWorkInterface { title } ...Who } } fragment Who on Person { title name }`, variables: { ids: ['c1', 'c2'] } })
  equal(data.ThingInterface.map(it => [it.__typename, it.identifier, it.title]), [['MusicComposition', 'c1', 'Romanze'], ['Person', 'c2', 'Clara']])
})

const CREATE = gql`mutation Create($name: String) { CreatePerson(name: $name) { __typename identifier name } }`
const message = async (client, mutation) => client.mutate({ mutation, variables: { name: 'Robert' } }).then(() => null, error => error.graphQLErrors[0].message)

await step('Apollo Client 3: a mutation is refused without a token', async () => {
  equal(await message(apollo(), CREATE), 'No authorization token.')
})

await step('Apollo Client 3: a mutation is allowed in scope and refused out of scope', async () => {
  const client = apollo(await token(['Mutation:Person:Create']))
  equal((await client.mutate({ mutation: CREATE, variables: { name: 'Robert' } })).data.CreatePerson.name, 'Robert')
  equal(await message(client, gql`mutation { CreatePlace { identifier } }`), 'You are not authorized for this resource')
})

const WHO = gql`subscription Changed($types: [_NodeType!]) { nodeChanged(types: $types, actions: [UPDATED, DELETED]) { action node { ... on ThingInterface { identifier name } } } }`
for (const [name, open] of [
  ['GraphQLWsLink', () => { const client = createClient({ url: WS + '/', webSocketImpl: WebSocket }); return [new GraphQLWsLink(client), () => client.dispose()] }],
  ['WebSocketLink', () => { const client = new SubscriptionClient(WS + '/graphql', {}, WebSocket); return [new WebSocketLink(client), () => client.close()] }]
]) {
  await step(`Apollo Client 3: a subscription over ${name}`, async () => {
    const [link, close] = open()
    const seen = []
    const event = first(
      sink => apollo(all, link).subscribe({ query: WHO, variables: { types: ['Person'] } }).subscribe({ ...sink, next: it => { seen.push(it); if (seen.length === 2) sink.next(it) } }),
      () => mutate(`mutation { CreatePerson(identifier: "${name}") { name } UpdatePerson(identifier: "${name}", name: "N") { name } DeletePerson(identifier: "${name}") { name } }`))
    await event
    const { nodeChanged } = seen[1].data
    equal([nodeChanged.action, nodeChanged.node && nodeChanged.node.name, nodeChanged.node.__typename], ['DELETED', 'N', 'Person'])
    await close()
  })
}

for (const useGETForHashedQueries of [false, true]) {
  await step(`Apollo Client: automatic persisted queries, named by ${useGETForHashedQueries ? 'GET' : 'POST'}`, async () => {
    const sent = []
    const watched = (url, options) => { sent.push(options.method + ((options.body ?? '').includes('"query":') ? ' with text' : '')); return fetch(url, options) }
    const sha256 = text => createHash('sha256').update(text).digest('hex')
    const link = createPersistedQueryLink({ sha256, useGETForHashedQueries }).concat(new HttpLink({ uri: HOST + '/graphql', fetch: watched }))
    const client = new ApolloClient({ link, cache: new InMemoryCache(), defaultOptions: { query: { fetchPolicy: 'no-cache' } } })
    const query = gql(`query Persisted${useGETForHashedQueries} { Person(first: 1) { __typename } }`)
    for (let times = 0; times < 3; times++) check(Array.isArray((await client.query({ query })).data.Person), 'no data')
    const method = useGETForHashedQueries ? 'GET' : 'POST'
    equal(sent, [method, 'POST with text', method, method])
  })
}

process.exit(failed ? 1 : 0)
