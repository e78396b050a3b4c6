#!/usr/bin/env node
// The pages for people, in Chromium, against a server with the Contributor Environment's schema (use a scratch database):
// explorer.mjs HOST ID KEY CHROMIUM FOLDER. Screenshots are written to FOLDER. Prints a PASS or FAIL line for each step.
import { createServer, request as httpRequest } from 'node:http'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import puppeteer from 'puppeteer-core'

const [HOST, ID, KEY, CHROMIUM, FOLDER] = process.argv.slice(2)
const INTERACTIVE_MS = 3000
const EVENT_MS = 100
// Machines that run tests do other things as well.
const SLACK = 5
let failed = 0
mkdirSync(FOLDER, { recursive: true })
const check = (condition, what) => { if (!condition) throw new Error(what) }
const pause = ms => new Promise(resolve => setTimeout(resolve, ms))
const step = async (name, run) => {
  try { const told = await run(); console.log(`PASS ${name}${told ? `: ${told}` : ''}`) } catch (error) { failed++; console.log(`FAIL ${name}: ${String(error.message || error).replace(/\s+/g, ' ').slice(0, 500)}`) }
}
const post = async (path, body, headers = {}) => (await fetch(HOST + path, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) })).json()
const token = async scopes => (await post('/jwt', { id: ID, apiKey: KEY, scopes })).jwt
const all = await token(['*'])
const mutate = query => post('/graphql', { query }, { Authorization: `Bearer ${all}` })
await mutate('mutation { CreatePerson(identifier: "clara", name: "Clara Schumann") { name } }')

const browser = await puppeteer.launch({ executablePath: CHROMIUM, headless: true, args: ['--no-sandbox', '--disable-gpu'] })

// A page of its own, and what went wrong on it: messages, policy violations, foreign or refused requests.
async function open(path, theme = 'light', host = HOST) {
  const context = await browser.createBrowserContext()
  const page = await context.newPage()
  const wrong = []
  await page.setViewport({ width: 1280, height: 800 })
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }])
  page.on('console', it => { if (['error', 'warn'].includes(it.type()) || it.text().startsWith('violation')) wrong.push(it.text().slice(0, 300)) })
  page.on('pageerror', error => wrong.push(error.message.slice(0, 300)))
  page.on('request', it => { if (!/^(data|blob):/.test(it.url()) && new URL(it.url()).origin !== new URL(host).origin) wrong.push(`request to ${it.url()}`) })
  page.on('response', it => { if (it.status() >= 400) wrong.push(`${it.status()} for ${it.url().slice(0, 200)}`) })
  await page.evaluateOnNewDocument(() => {
    addEventListener('securitypolicyviolation', it => console.log('violation', it.violatedDirective, it.blockedURI, it.sample))
    window.longest = 0
    new PerformanceObserver(list => { for (const it of list.getEntries()) window.longest = Math.max(window.longest, it.duration) }).observe({ type: 'longtask', buffered: true })
  })
  const start = performance.now()
  await page.goto(host + path, { waitUntil: 'domcontentloaded' })
  const clean = () => check(wrong.length === 0, wrong.join(' | '))
  const shoot = name => page.screenshot({ path: join(FOLDER, `${name}.png`) })
  return { page, start, clean, shoot, close: () => context.close() }
}

// What the editors of both tools hold; each is a CodeMirror.
const has = (page, selector, text, timeout = 15000) =>
  page.waitForFunction((selector, text) => [...document.querySelectorAll(selector)].some(it => it.CodeMirror?.getValue().includes(text)), { timeout, polling: 20 }, selector, text)
    .catch(async () => { throw new Error(`no ${text} in ${selector}: ${await page.evaluate(selector => [...document.querySelectorAll(selector)].map(it => it.CodeMirror?.getValue()).join(' / '), selector)}`) })
const shows = (page, text, timeout = 15000) =>
  page.waitForFunction(text => document.body.innerText.includes(text), { timeout, polling: 50 }, text).catch(() => { throw new Error(`the page does not show ${text}`) })
// Typing as people do, in place of what is there.
const type = async (page, editor, text) => {
  await editor.click({ offset: { x: 120, y: 20 } })
  await page.keyboard.down('Control'); await page.keyboard.press('a'); await page.keyboard.up('Control')
  await page.keyboard.press('Backspace')
  await page.keyboard.type(text)
}
// As a whole, like something pasted.
const put = (page, editor, text) => editor.evaluate((it, text) => { it.CodeMirror.setValue(text); it.CodeMirror.focus() }, text)
const run = async page => { await page.keyboard.down('Control'); await page.keyboard.press('Enter'); await page.keyboard.up('Control') }
// The last text on the page that begins so: tools draw their buttons in many ways.
const press = async (page, text, within = 'body') => {
  const place = await page.evaluate((text, within) => {
    const walker = document.createTreeWalker(document.querySelector(within), NodeFilter.SHOW_TEXT)
    let node, found
    while ((node = walker.nextNode())) if (node.data.trim().toLowerCase().startsWith(text)) found = node.parentElement
    const box = found?.getBoundingClientRect()
    return box && [box.x + box.width / 2, box.y + box.height / 2]
  }, text.toLowerCase(), within)
  check(place, `nothing says ${text}`)
  await page.mouse.click(...place)
}
const isStored = (page, text) => page.evaluate(text => Object.values({ ...localStorage }).some(it => it.includes(text)), text)
const DOCS = '.graphiql-doc-explorer'
const PLACE = 'mutation { CreatePlace(name: "Leipzig") { name } }'

for (const theme of ['light', 'dark']) {
  await step(`landing page, ${theme}: nothing is refused, and it leads to both explorers`, async () => {
    const { page, clean, shoot, close } = await open('/', theme)
    await shoot(`landing-${theme}`)
    const links = await page.$$eval('a', all => all.map(it => it.href))
    for (const path of ['/graphiql', '/playground']) check(links.includes(HOST + path), `${links}`)
    await page.setViewport({ width: 380, height: 700 })
    await shoot(`landing-${theme}-narrow`)
    await page.click('summary'); await shows(page, 'MusicComposition')
    await shoot(`landing-${theme}-types`)
    await pause(200); clean(); await close()
  })
}

// The machine may be busy with something else: up to three attempts.
const timely = async attempt => {
  for (let turn = 1; ; turn++) {
    const [interactive, told] = await attempt()
    if (interactive < INTERACTIVE_MS) return told
    check(turn < 3, `typed into after ${interactive.toFixed()} ms, three times`)
  }
}

for (const path of ['/graphql', '/graphiql', '/graphiql/']) {
  await step(`GraphiQL on ${path}: interactive, then the schema`, () => timely(async () => {
    const { page, start, clean, close } = await open(path)
    const editor = await page.waitForSelector('.graphiql-query-editor .CodeMirror')
    const shown = performance.now() - start
    await editor.click({ offset: { x: 120, y: 20 } })
    await page.keyboard.type('# typed')
    await has(page, '.graphiql-query-editor .CodeMirror', '# typed')
    const interactive = performance.now() - start
    await page.click('[aria-label="Show Documentation Explorer"]')
    await shows(page, 'mutation: Mutation')
    const ready = performance.now() - start
    const longest = await page.evaluate(() => window.longest)
    clean(); await close()
    return [interactive, `shown after ${shown.toFixed()} ms, typed into after ${interactive.toFixed()} ms, docs after ${ready.toFixed()} ms, longest task ${longest.toFixed()} ms`]
  }))
}

await step('GraphiQL: the example, a typed query, suggestions, docs, settings', async () => {
  const { page, clean, shoot, close } = await open('/graphql')
  const editor = await page.waitForSelector('.graphiql-query-editor .CodeMirror')
  await has(page, '.graphiql-query-editor .CodeMirror', 'Person(first: 10)')
  await page.click('.graphiql-execute-button')
  await has(page, '.graphiql-response .CodeMirror', 'Clara Schumann')
  await shoot('graphiql-light')
  await type(page, editor, '{ Person(filter: { name: "Clara Schumann" }) { identifier } }')
  await run(page)
  await has(page, '.graphiql-response .CodeMirror', '"identifier": "clara"')
  await page.click('[aria-label="Show Documentation Explorer"]')
  await shows(page, 'mutation: Mutation')
  await type(page, editor, '{ MusicComp')
  await page.waitForSelector('.CodeMirror-hints')
  check((await page.$eval('.CodeMirror-hints', it => it.innerText)).includes('MusicComposition'), 'no suggestion')
  await shoot('graphiql-suggestions')
  await page.keyboard.press('Escape')
  const begun = performance.now()
  await press(page, 'Mutation', DOCS); await shows(page, 'CreatePerson')
  const listed = performance.now() - begun
  await shoot('graphiql-docs')
  await page.click('[aria-label="Open settings dialog"]')
  await shows(page, 'Theme')
  await pause(300)
  await shoot('graphiql-settings')
  clean(); await close()
  return `all mutations listed after ${listed.toFixed()} ms`
})

await step('GraphiQL: a mutation is refused, with a token in the headers allowed; the token is not kept', async () => {
  const { page, clean, shoot, close } = await open('/graphiql', 'dark')
  const editor = await page.waitForSelector('.graphiql-query-editor .CodeMirror')
  await put(page, editor, PLACE); await run(page)
  await has(page, '.graphiql-response .CodeMirror', 'No authorization token.')
  const jwt = await token(['Mutation:Place:*'])
  const narrowed = page.waitForResponse(it => it.request().headers()['x-clef-visible'] === 'mine')
  await put(page, await page.$('.graphiql-editor-tool .graphiql-editor:not(.hidden) .CodeMirror'), JSON.stringify({ Authorization: `Bearer ${jwt}` }))
  await put(page, editor, PLACE); await run(page)
  await has(page, '.graphiql-response .CodeMirror', 'Leipzig')
  await narrowed; await pause(1500)
  await page.click('[aria-label="Show Documentation Explorer"]')
  await shows(page, 'mutation: Mutation')
  await press(page, 'Mutation', DOCS); await pause(500)
  const docs = await page.$eval(DOCS, it => it.innerText)
  check(docs.includes('CreatePlace') && !docs.includes('CreatePerson'), `not the mutations that the token may run: ${docs.slice(0, 200)}`)
  await shoot('graphiql-dark')
  check(!(await isStored(page, jwt)), 'the token is in localStorage')
  await page.reload()
  await page.waitForSelector('.graphiql-query-editor .CodeMirror'); await pause(500)
  check(!(await page.evaluate(jwt => [...document.querySelectorAll('.CodeMirror')].some(it => it.CodeMirror.getValue().includes(jwt)), jwt)), 'the token is there after a reload')
  clean(); await close()
})

await step('GraphiQL: a subscription receives an event; a link brings a query', async () => {
  const query = 'subscription { nodeChanged(types: [Person]) { action key } }'
  const { page, clean, shoot, close } = await open(`/graphiql?query=${encodeURIComponent(query)}`)
  await has(page, '.graphiql-query-editor .CodeMirror', 'nodeChanged')
  const editor = await page.$('.graphiql-query-editor .CodeMirror')
  await editor.click({ offset: { x: 120, y: 20 } }); await run(page)
  await pause(1000)
  await mutate('mutation { CreatePerson(identifier: "fanny", name: "Fanny Hensel") { name } }')
  await has(page, '.graphiql-response .CodeMirror', 'fanny')
  await shoot('graphiql-subscription')
  clean(); await close()
})

await step('below a path of a proxy: both explorers run a query and a subscription', async () => {
  const target = new URL(HOST)
  const proxy = createServer((request, response) => {
    if (!request.url.startsWith('/below/')) return response.writeHead(404).end()
    const forward = httpRequest({ host: target.hostname, port: target.port, method: request.method, path: request.url.slice(6), headers: request.headers }, answer => { response.writeHead(answer.statusCode, answer.headers); answer.pipe(response) })
    request.pipe(forward)
  })
  proxy.on('upgrade', (request, socket, head) => {
    const server = connect(target.port, target.hostname, () => {
      const headers = request.rawHeaders.map((it, index) => it + (index % 2 ? '\r\n' : ': ')).join('')
      server.write(`GET ${request.url.slice(6)} HTTP/1.1\r\n${headers}\r\n`); server.write(head)
      server.pipe(socket); socket.pipe(server)
    })
    for (const it of [server, socket]) it.on('error', () => { server.destroy(); socket.destroy() })
  })
  await new Promise(resolve => proxy.listen(0, '127.0.0.1', resolve))
  const below = `http://127.0.0.1:${proxy.address().port}/below`
  for (const path of ['/graphql', '/playground']) {
    const { page, clean, close } = await open(path, 'light', below)
    const editor = await page.waitForSelector('.CodeMirror')
    await put(page, editor, '{ Person(identifier: "clara") { name } }'); await pause(300); await run(page)
    await has(page, '.CodeMirror', '"name": "Clara Schumann"')
    await put(page, editor, 'subscription { nodeChanged(types: [Person]) { action key } }'); await pause(300); await run(page)
    await pause(1000)
    await mutate(`mutation { CreatePerson(identifier: "below${path}") { name } }`)
    await has(page, '.CodeMirror', `below${path}`)
    clean(); await close()
  }
  const { page, clean, close } = await open('/', 'light', below)
  const links = await page.$$eval('a', all => all.map(it => it.href))
  check(links.includes(`${below}/graphiql`), `${links}`)
  clean(); await close()
  proxy.close(); proxy.closeAllConnections()
})

const QUERY_PANE = '.active .CodeMirror-focused, .active .CodeMirror'
for (const path of ['/playground', '/playground/']) {
  await step(`Playground on ${path}: interactive, then the schema`, () => timely(async () => {
    const { page, start, clean, close } = await open(path)
    const editor = await page.waitForSelector(QUERY_PANE)
    const shown = performance.now() - start
    await editor.click({ offset: { x: 120, y: 20 } })
    await page.keyboard.type('# typed')
    await has(page, '.CodeMirror', '# typed')
    const interactive = performance.now() - start
    await pause(3000)
    const longest = await page.evaluate(() => window.longest)
    clean(); await close()
    return [interactive, `shown after ${shown.toFixed()} ms, typed into after ${interactive.toFixed()} ms, longest task ${longest.toFixed()} ms`]
  }))
}

await step('Playground: the example, a typed query, suggestions, docs, the schema', async () => {
  const { page, clean, shoot, close } = await open('/playground')
  const editor = await page.waitForSelector(QUERY_PANE)
  await has(page, '.CodeMirror', 'Person(first: 10)')
  await editor.click({ offset: { x: 120, y: 20 } }); await run(page)
  await has(page, '.CodeMirror', '"name": "Clara Schumann"')
  await pause(1000)
  await shoot('playground-light')
  await type(page, editor, '{ Person(filter: { name: "Clara Schumann" }) { identifier } }')
  await run(page)
  await has(page, '.CodeMirror', '"identifier": "clara"')
  await type(page, editor, '{ MusicComp')
  await page.waitForSelector('.CodeMirror-hints')
  check((await page.$eval('.CodeMirror-hints', it => it.innerText)).includes('MusicComposition'), 'no suggestion')
  await page.keyboard.press('Escape')
  await page.waitForFunction(() => !document.querySelector('.CodeMirror-hint-information'))
  const begun = performance.now()
  await press(page, 'docs'); await shows(page, 'CreatePerson')
  const listed = performance.now() - begun
  await shoot('playground-docs')
  await press(page, 'docs'); await pause(300)
  await press(page, 'schema'); await has(page, '.CodeMirror', 'interface ThingInterface')
  await shoot('playground-schema')
  clean(); await close()
  return `docs after ${listed.toFixed()} ms`
})

await step('Playground: a mutation is refused, with a token in HTTP HEADERS allowed; the token is not kept; a subscription', async () => {
  const { page, clean, shoot, close } = await open('/playground', 'dark')
  const editor = await page.waitForSelector(QUERY_PANE)
  await pause(1000)
  await put(page, editor, PLACE); await run(page)
  await has(page, '.CodeMirror', 'No authorization token.')
  await press(page, 'http headers'); await pause(500)
  const jwt = await token(['Mutation:Place:*'])
  await page.evaluate(jwt => [...document.querySelectorAll('.CodeMirror')].find(it => it.CodeMirror.getValue().includes('"Authorization"')).CodeMirror.setValue(`{"Authorization": "Bearer ${jwt}"}`), jwt)
  await pause(500)
  await put(page, editor, PLACE); await run(page)
  await has(page, '.CodeMirror', '"name": "Leipzig"')
  await shoot('playground-dark')
  await put(page, editor, 'subscription { nodeChanged(types: [Person]) { action key } }'); await run(page)
  await pause(1500)
  await mutate('mutation { CreatePerson(identifier: "nannerl", name: "Maria Anna Mozart") { name } }')
  await has(page, '.CodeMirror', 'nannerl')
  await pause(600)
  check(await isStored(page, 'CreatePlace'), 'nothing is kept')
  check(!(await isStored(page, jwt)), 'the token is in localStorage')
  await page.reload(); await page.waitForSelector(QUERY_PANE); await pause(500)
  await has(page, '.CodeMirror', 'nodeChanged')
  clean(); await close()
})

// Pages of another origin, as applications are.
const require = createRequire(import.meta.url)
const folderOf = name => dirname(require.resolve(name))
const modules = { graphql: join(folderOf('graphql-ws'), 'client.js'), legacy: join(folderOf('subscriptions-transport-ws'), '..', 'browser', 'client.js') }
const others = createServer((request, response) => {
  const name = request.url.slice(1)
  const file = name === 'legacy.js' ? modules.legacy : name === 'client.js' ? modules.graphql : name.startsWith('common-') ? join(dirname(modules.graphql), name) : null
  response.setHeader('Content-Type', file ? 'text/javascript' : 'text/html')
  response.end(file ? readFileSync(file) : '<!doctype html><link rel="icon" href="data:,"><title>application</title>')
})
await new Promise(resolve => others.listen(0, '127.0.0.1', resolve))
const APPLICATION = `http://127.0.0.1:${others.address().port}/`

for (const client of ['graphql-ws', 'subscriptions-transport-ws']) {
  await step(`${client} on a page of another origin: events within ${EVENT_MS} ms of the mutation`, async () => {
    const page = await browser.newPage()
    await page.goto(APPLICATION)
    if (client !== 'graphql-ws') await page.addScriptTag({ url: '/legacy.js' })
    const times = await page.evaluate(async (client, host, jwt) => {
      const query = 'subscription { nodeChanged(types: [Person]) { key } }'
      const url = `${host.replace('http', 'ws')}/graphql`
      let seen
      const next = it => seen?.(it.data.nodeChanged.key)
      if (client === 'graphql-ws') (await import('/client.js')).createClient({ url }).subscribe({ query }, { next, error: console.error, complete() {} })
      else new SubscriptionsTransportWs.SubscriptionClient(url, { reconnect: false }).request({ query }).subscribe({ next })
      await new Promise(resolve => setTimeout(resolve, 1000))
      const times = []
      for (let turn = 0; turn < 20; turn++) {
        const key = `${client}-${turn}`
        const event = new Promise((resolve, reject) => { seen = it => it === key && resolve(performance.now()); setTimeout(() => reject(new Error('no event within 5 s')), 5000) })
        const start = performance.now()
        await fetch(`${host}/graphql`, { method: 'POST', headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${jwt}` }, body: JSON.stringify({ query: `mutation { CreatePerson(identifier: "${key}") { identifier } }` }) })
        times.push(await event - start)
      }
      return times.sort((a, b) => a - b)
    }, client, HOST, all)
    await page.close()
    const [median, last] = [times[times.length / 2], times.at(-1)]
    check(median < EVENT_MS && last < EVENT_MS * SLACK, `median ${median.toFixed()} ms, longest ${last.toFixed()} ms`)
    return `median ${median.toFixed(1)} ms, longest ${last.toFixed(1)} ms, from before the mutation is sent`
  })
}

others.close()
await browser.close()
process.exit(failed ? 1 : 0)
